// What a person has begun to write, tick or choose. A text that came back from the server with a problem is theirs too.
import { all } from "./dom.js";

/**
 * @param {HTMLElement} part
 * @returns {any[]} the fields that a person has begun
 */
export const begunFields = part => namedFields(part).filter(isBegun);

const namedFields = part =>
  all("input:not([type=hidden]), textarea, select", part).filter(field => field.name);

const isBox = field => field.matches("[type=checkbox], [type=radio]");

/**
 * @param {any} field
 * @returns {boolean} whether a person has begun it
 */
export function isBegun(field) {
  if (isBox(field)) return field.checked !== field.defaultChecked;
  if (field.matches("select")) {
    const initial = [...field.options].findIndex(option => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, initial);
  }
  return field.value !== "" && (field.value !== field.defaultValue || field.matches("textarea"));
}

/**
 * Writes what was begun into the same fields of the part that is there now.
 * @param {any[]} begun fields that went
 * @param {HTMLElement} part
 */
export function restoreFields(begun, part) {
  for (const old of begun) {
    const field = namedFields(part).find(other => isSameField(old, other));
    if (!field) continue;
    if (isBox(old)) field.checked = old.checked;
    else field.value = old.value;
  }
}

function isSameField(field, other) {
  return field.name === other.name && field.type === other.type && (!isBox(field) || field.value === other.value);
}
