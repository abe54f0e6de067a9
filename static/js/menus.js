// Menus of the bar lie over the page: a press elsewhere, or Escape, closes them.
import { all } from "./dom.js";

/** Closes menus that a person has left. */
export function startMenus() {
  document.addEventListener("click", event => closeMenus(menu => !menu.contains(event.target)));
  document.addEventListener("keydown", event => { if (event.key === "Escape") closeMenus(() => true); });
}

function closeMenus(isLeft) {
  for (const menu of all(".menu[open]").filter(isLeft)) {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}
