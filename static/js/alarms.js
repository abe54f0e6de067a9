// Alarms that sound: at stations and on walls, until a person takes care of them.
import { $, all } from "./dom.js";

const every = 20_000; // milliseconds between two times that it sounds
const tones = [880, 660, 880, 660]; // Hz, one after the other

/** Sounds for alarms on the page, and again as long as nobody is on them. */
export function startAlarms() {
  if (!soundsHere()) return;
  const heard = new Set();
  let audio, last = -Infinity;
  const sound = () => {
    const lasting = all("[data-sounds]").flatMap(part => part.dataset.sounds.split(" ")).filter(Boolean);
    const fresh = lasting.some(id => !heard.has(id));
    if (lasting.length === 0 || !fresh && performance.now() - last < every) return;
    audio ??= new AudioContext();
    showMute(audio.state !== "running");
    if (audio.state !== "running") return; // browsers let nothing sound before somebody has touched the page
    lasting.forEach(id => heard.add(id));
    last = performance.now();
    play(audio);
  };
  document.addEventListener("click", async event => {
    if (!audio || audio.state === "running") return;
    await audio.resume();
    if (event.target.closest?.("[data-unmute]")) sound();
    showMute(audio.state !== "running");
  });
  setInterval(sound, 1000);
}

/** @returns {boolean} whether the page is open at a station or on a wall */
const soundsHere = () => Boolean($("body.wall, #lock"));

/** @param {boolean} isMuted */
function showMute(isMuted) {
  for (const button of all("[data-unmute]")) button.hidden = !isMuted;
}

/** @param {AudioContext} audio */
function play(audio) {
  tones.forEach((frequency, i) => {
    const start = audio.currentTime + i * 0.25;
    const tone = audio.createOscillator(), volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.4, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.24);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  });
}
