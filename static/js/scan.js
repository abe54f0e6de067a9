// What is typed or scanned before its field was touched. A scanner types like a keyboard.
import { $ } from "./dom.js";

const separator = "\u001d"; // between the fields of a GS1 barcode

/** Leads keys into the field that waits for them. */
export function startScanning() {
  document.addEventListener("keydown", event => {
    if (!isCharacter(event) || document.activeElement?.matches("input, textarea, select")) return;
    $($("#lock")?.open ? "#lock [data-pad]" : "main [data-pad], main [data-scan]")?.focus(); // and the key goes there
  });
  document.addEventListener("keydown", event => {
    const field = event.target;
    if (!isSeparator(event) || !field.matches?.("[data-scan]")) return;
    event.preventDefault();
    field.setRangeText(separator, field.selectionStart, field.selectionEnd, "end");
  });
}

/**
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "metaKey">} event
 * @returns {boolean} whether the key writes a character
 */
export const isCharacter = event => event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey;

/**
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey">} event
 * @returns {boolean} whether this is Ctrl+], which scanners send for the separator, in any keyboard layout
 */
export const isSeparator = event => event.ctrlKey && (event.key === "]" || event.code === "BracketRight");
