"""Files and folders, handled so that nothing is lost, nothing is waited for and nothing trusted."""
