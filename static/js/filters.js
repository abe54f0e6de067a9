// Filters act at once: a choice sends their form. Words wait for the button, or for Enter.
import { $ } from "./dom.js";

/** Sends the forms of filters when something is chosen. */
export function startFilters() {
  document.addEventListener("change", event => {
    const choice = event.target.closest?.("form[data-act] select");
    if (choice) $("button", choice.form).click();
  });
}
