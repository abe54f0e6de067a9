// Sound and vibration for a bad scan, where this device is set to that.
import { $ } from "./dom.js";
import { hasSound, play } from "./sound.js";

const beeps = [0, 0.25].map(begin => ({ begin, length: 0.15, pitch: 880, shape: "square", loudness: 1, fades: false }));
const shakes = [200, 100, 200]; // ms on, off, on

/** Remembers whether a bad scan sounds on this device, and readies the sound at the first key. */
export function startAlarm() {
  const choice = $("[data-scan-alarm]");
  if (!choice) return;
  choice.value = localStorage.getItem("scan-alarm") === "off" ? "off" : "on";
  choice.addEventListener("change", () => localStorage.setItem("scan-alarm", choice.value));
  addEventListener("keydown", hasSound, { once: true, capture: true });
}

/** Sounds and vibrates, if this device is set to that. */
export function alarm() {
  if ($("[data-scan-alarm]")?.value !== "on") return;
  navigator.vibrate?.(shakes);
  play(beeps);
}
