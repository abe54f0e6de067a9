// What is typed or scanned before its field was touched, and the keys of a scan. A scanner types like a keyboard.
import { $ } from "./dom.js";

const separator = "\u001d"; // between the fields of a GS1 barcode

/** Leads keys into the field that waits for them. */
export function startScanning() {
  document.addEventListener("keydown", event => {
    if (!isCharacter(event) || document.activeElement?.matches("input, textarea, select")) return;
    $($("#lock")?.open ? "#lock [data-pad]" : "main [data-pad], main [data-scan]")?.focus(); // and the key goes there
  });
  const altCode = newAltCode();
  document.addEventListener("keydown", event => {
    const field = event.target;
    altCode.press(event);
    if (field.matches?.("[data-scan], [data-pad]") && isBrowserKey(event)) event.preventDefault();
    if (!isSeparator(event) || !field.matches?.("[data-scan]")) return;
    event.preventDefault();
    insertSeparator(field);
  });
  document.addEventListener("keyup", event => {
    if (altCode.release(event) && event.target.matches?.("[data-scan]")) insertSeparator(event.target);
  });
  document.addEventListener("beforeinput", event => { if (altCode.writes(event)) event.preventDefault(); });
}

function insertSeparator(field) {
  field.setRangeText(separator, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText", data: separator }));
}

/**
 * Knows the separator that a scanner writes as on Windows: its number on the keypad while Alt is held. Of it Windows
 * writes an arrow or nothing, and other systems nothing.
 */
export function newAltCode() {
  let digits = "";
  let isSeparator = false; // what was written last
  return {
    /** @param {Pick<KeyboardEvent, "code" | "altKey">} event */
    press(event) {
      isSeparator = false;
      if (!event.altKey) digits = "";
      else if (/^Numpad\d$/.test(event.code)) digits += event.code.at(-1);
    },
    /**
     * @param {Pick<KeyboardEvent, "key">} event
     * @returns {boolean} whether a separator was written
     */
    release(event) {
      if (event.key !== "Alt") return false;
      isSeparator = /^0*29$/.test(digits);
      digits = "";
      return isSeparator;
    },
    /**
     * @param {Pick<InputEvent, "data">} event
     * @returns {boolean} whether this is what the system writes for that separator
     */
    writes: event => isSeparator && (event.data === "\u2194" || event.data === separator),
  };
}

/**
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "metaKey">} event
 * @returns {boolean} whether the key writes a character
 */
export const isCharacter = event => event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey;

/**
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey">} event
 * @returns {boolean} whether this is Ctrl+] or F8, which scanners send for the separator, in any keyboard layout
 */
export const isSeparator = event => event.key === "F8" ||
  event.ctrlKey && !event.altKey && (event.key === "]" || event.code === "BracketRight");

const isControl = (event, letters) => event.ctrlKey && !event.altKey && !event.shiftKey && event.key.length === 1 &&
  letters.includes(event.key.toLowerCase());

/**
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "shiftKey">} event
 * @returns {boolean} whether this is a line end or a tab as scanners send them as control characters
 */
export const endsLine = event => isControl(event, "jmi");

// isBrowserKey reports whether a control character of a scanner, such as STX, EOT or a line end, is a key by which
// browsers open a list of their own: what is scanned next would be lost there.
const isBrowserKey = event => endsLine(event) || isControl(event, "bd");

const writesCharacter =
  /^(Key|Digit|Numpad\d|Intl|Space|Backquote|Minus|Equal|Bracket|Backslash|Semicolon|Quote|Comma|Period|Slash)/;

/**
 * Records which keys a scan pressed, whatever the device's layout makes of them. The server tells from them what a keyboard
 * did to the scan. What comes without a key, or by AltGr, for which each layout has other places, is recorded as it came.
 */
export function newRecorder() {
  let keys, locks, isWhole, isTyped, isPasted, isOpen, unwritten, byAltGr;
  function begin() {
    keys = [];
    locks = new Set();
    isWhole = true; // keys are those of the whole text
    isTyped = isPasted = false;
    isOpen = false; // the last key writes together with the next one
    unwritten = 0; // keys of which nothing is written yet
    byAltGr = ""; // what the last key writes by AltGr
  }
  begin();
  return {
    /** @param {KeyboardEvent} event */
    press(event) {
      const isDead = event.key === "Dead";
      const isComposed = event.key === "Process" && writesCharacter.test(event.code); // by an input method
      const isAltGr = event.ctrlKey || event.altKey || event.metaKey || event.getModifierState("AltGraph");
      if (!isOpen) unwritten = 0;
      byAltGr = isAltGr && event.key.length === 1 ? event.key : "";
      if (isDead && (isAltGr || !event.code)) keys.push("Dead"); // and nothing tells what it writes
      else if (event.code && (isDead || isComposed || isCharacter(event) && !isAltGr)) {
        keys.push((event.shiftKey ? "+" : "") + event.code);
        isOpen = isDead || isComposed;
        unwritten++;
      } else if (event.key === "Unidentified") isWhole = false;
      else if (event.key !== "Process" && !isCharacter(event)) return;
      if (event.code === "") return; // of a program, which knows nothing of Caps Lock
      isTyped = true;
      locks.add(event.getModifierState("CapsLock"));
    },
    /** @param {InputEvent} event what changed the text */
    change(event) {
      if (event.data === separator) {
        keys.push("GS");
      } else if (event.inputType === "insertText") {
        const written = [...event.data ?? ""];
        // What AltGr writes is never of a key before it, also where the accent of a dead key is lost.
        const own = byAltGr && written.at(-1) === byAltGr ? 1 : 0;
        for (const character of written.slice(Math.min(unwritten, written.length - own))) {
          keys.push("=" + character.codePointAt(0).toString(16));
        }
        unwritten = Math.max(0, unwritten - written.length);
      } else if (!event.inputType?.includes("Composition")) {
        isWhole = false;
        isPasted ||= /^(insertFrom|delete|history)/.test(event.inputType);
      }
    },
    /**
     * @returns {{ keys: string, caps: string, typed: string }} what is known of the text, and begins anew. A text that no
     *     key of a keyboard wrote, as a scanner's own program gives it, is not typed.
     */
    take() {
      const taken = {
        keys: isWhole && isTyped ? keys.join(" ") : "",
        caps: locks.size !== 1 ? "" : locks.has(true) ? "on" : "off",
        typed: isPasted ? "pasted" : isTyped ? "keys" : "",
      };
      begin();
      return taken;
    },
  };
}
