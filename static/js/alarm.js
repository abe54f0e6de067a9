// Sound and vibration for a bad scan, where this device is set to that.
import { $ } from "./dom.js";

const beeps = [0, 0.25]; // when each begins, in s
const beepLength = 0.15; // s
const pitch = 880; // Hz
const shakes = [200, 100, 200]; // ms on, off, on

let audio;

/** Remembers whether a bad scan sounds on this device, and readies the sound at the first key. */
export function startAlarm() {
  const choice = $("[data-scan-alarm]");
  if (!choice) return;
  choice.value = localStorage.getItem("scan-alarm") === "off" ? "off" : "on";
  choice.addEventListener("change", () => localStorage.setItem("scan-alarm", choice.value));
  // A browser lets nothing sound before somebody has touched the page.
  addEventListener("keydown", () => { audio ??= newAudio(); }, { once: true, capture: true });
}

const newAudio = () => "AudioContext" in window ? new AudioContext() : null;

/** Sounds and vibrates, if this device is set to that. */
export function alarm() {
  if ($("[data-scan-alarm]")?.value !== "on") return;
  navigator.vibrate?.(shakes);
  if (!audio) return;
  for (const begin of beeps) {
    const tone = audio.createOscillator();
    tone.type = "square";
    tone.frequency.value = pitch;
    tone.connect(audio.destination);
    tone.start(audio.currentTime + begin);
    tone.stop(audio.currentTime + begin + beepLength);
  }
}
