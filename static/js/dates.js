// A date is typed as the page writes dates. The browser's calendar helps, and writes what is picked in the same form. Safari
// before 16 and Firefox before 101 open none for a script.
import { $, all } from "./dom.js";

/** Opens calendars, and takes what is picked. */
export function startDates() {
  showCalendars(document);
  document.addEventListener("click", event => {
    const button = event.target.closest?.(".pick-date");
    if (button) $(".calendar", button.parentElement).showPicker();
  });
  document.addEventListener("change", event => {
    if (!event.target.matches?.(".calendar") || !event.target.value) return;
    const field = $("input", event.target.parentElement);
    field.value = pickedDate(event.target.value, $(".pick-date", event.target.parentElement).dataset.dateForm, field.value);
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  });
}

/**
 * Shows the buttons for calendars where the browser can open one.
 * @param {ParentNode} root
 */
export function showCalendars(root) {
  if (!("showPicker" in HTMLInputElement.prototype)) return;
  for (const button of all(".pick-date[hidden]", root)) button.hidden = false;
}

/**
 * @param {string} picked as in "2026-11-23"
 * @param {string} form as in "DD.MM.YYYY"
 * @param {string} before what was in the field
 * @returns {string} the date in that form, with the time of day that was in the field
 */
export function pickedDate(picked, form, before) {
  const [year, month, day] = picked.split("-");
  const clock = before.match(/\d{1,2}:\d{2}.*$/)?.[0];
  const date = form.replace("YYYY", year).replace("MM", month).replace("DD", day);
  return clock ? `${date} ${clock}` : date;
}
