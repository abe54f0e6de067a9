// Alarms that sound: at stations and on walls, until a person takes care of them.
import { $, all } from "./dom.js";
import { allowSound, hasSound, maySound, play } from "./sound.js";

const every = 20_000; // milliseconds between two times that it sounds
let isMuted = false;
const tones = [880, 660, 880, 660].map((pitch, i) => ({ begin: i * 0.25, length: 0.25, pitch }));

/** Sounds for alarms on the page, and again as long as nobody is on them. */
export function startAlarms() {
  if (!soundsHere()) return;
  const heard = new Set();
  let last = -Infinity, isReady = false;
  const sound = () => {
    const lasting = all("[data-sounds]").flatMap(part => part.dataset.sounds.split(" ")).filter(Boolean);
    const fresh = lasting.some(id => !heard.has(id));
    if (lasting.length === 0 || !fresh && performance.now() - last < every || !hasSound()) return;
    if (!isReady) { // the browser needs a moment to say whether it lets the page sound
      isReady = true;
      return;
    }
    showMute(!maySound());
    if (!maySound()) return;
    lasting.forEach(id => heard.add(id));
    last = performance.now();
    play(tones);
  };
  document.addEventListener("click", async event => {
    if (!$("[data-unmute]:not([hidden])")) return;
    await allowSound();
    if (event.target.closest?.("[data-unmute]")) sound();
    showMute(!maySound());
  });
  setInterval(sound, 1000);
  // What takes the place of a part does not know it.
  new MutationObserver(() => showMute(isMuted)).observe($("main"), { childList: true, subtree: true });
}

/** @returns {boolean} whether the page is open at a station or on a wall */
const soundsHere = () => Boolean($("body.wall, #lock"));

/** @param {boolean} is whether the screen may not sound */
function showMute(is) {
  isMuted = is;
  for (const button of all("[data-unmute]")) button.hidden = !is;
}
