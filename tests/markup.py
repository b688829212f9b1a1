"""Pages as lists of their elements, for tests that read them."""

from html.parser import HTMLParser

VOID = {"meta", "img", "input", "br", "link", "line"}


class Elements(HTMLParser):
    """Opening tags in order; every one is closed where it should be."""

    def __init__(self, html: str):
        super().__init__()
        self.found, self.words, self._open = [], [], []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def tags(self):
        return [tag for tag, _ in self.found]

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]
