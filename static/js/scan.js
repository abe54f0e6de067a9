// What is typed or scanned before its field was touched, and the keys of a scan. A scanner types like a keyboard.
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
    field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
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

/**
 * Records which keys a scan pressed, whatever the device's layout makes of them. The server tells from them what a keyboard
 * did to the scan.
 */
export function newRecorder() {
  let keys, locks, isWhole, isTyped, isPasted;
  function begin() {
    keys = [];
    locks = new Set();
    isWhole = true; // keys are those of the whole text
    isTyped = isPasted = false;
  }
  begin();
  return {
    /** @param {KeyboardEvent} event */
    press(event) {
      const isUnread = event.key === "Process" || event.key === "Unidentified"; // an input method has it
      if (isSeparator(event)) keys.push("GS");
      else if (isCharacter(event) || event.key === "Dead") keys.push((event.shiftKey ? "+" : "") + event.code);
      else if (!isUnread) return;
      isWhole &&= !isUnread && (keys.at(-1) === "GS" || event.code !== "");
      isTyped ||= event.code !== "" && !isSeparator(event);
      locks.add(event.getModifierState("CapsLock"));
    },
    /** @param {InputEvent} event what changed the text */
    change(event) {
      if (event.inputType === "insertText") return;
      isWhole = false;
      isPasted ||= /^(insertFrom|delete|history)/.test(event.inputType);
    },
    /**
     * @returns {{ keys: string, caps: string, typed: string }} what is known of the text, and begins anew. A text that no
     *     key of a keyboard wrote, as a scanner's own program gives it, is not typed.
     */
    take() {
      const taken = {
        keys: isWhole ? keys.join(" ") : "",
        caps: locks.size !== 1 ? "" : locks.has(true) ? "on" : "off",
        typed: isPasted ? "pasted" : isTyped ? "keys" : "",
      };
      begin();
      return taken;
    },
  };
}
