for (const slider of document.querySelectorAll(".slider")) {
  const handle = slider.querySelector("input");
  const follow = () => slider.style.setProperty("--at", handle.value + "%");
  handle.addEventListener("input", follow);
  follow();
}
for (const section of document.querySelectorAll(".compared")) {
  const slider = section.querySelector(".slider");
  const buttons = section.querySelectorAll("button");
  const choose = (chosen) => {
    const picture = chosen.querySelector("img");
    const before = slider.querySelector(".before");
    before.src = picture.src;
    before.alt = picture.alt;
    before.className = "before " + picture.className;
    slider.querySelector(".tag.left").textContent = chosen.dataset.name;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
  };
  for (const button of buttons) button.addEventListener("click", () => choose(button));
}
