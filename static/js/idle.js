// Nothing moves under a finger: whether one is on the screen.
import { isInView } from "./dom.js";
import { seconds } from "./clock.js";

const idleAfter = 1.5; // s without a touch in which a finger is away
const newFor = 1; // s in which a page that comes into view may still change

/** @type {Set<number>} fingers and buttons that are down */
const down = new Set();
let touchedAt = -Infinity;
let shownAt = -Infinity;

/** Notes every touch from now on. */
export function watchTouches() {
  for (const touch of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"]) {
    addEventListener(touch, () => { touchedAt = seconds(); }, { capture: true, passive: true });
  }
  addEventListener("pointerdown", event => down.add(event.pointerId), { capture: true });
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, event => {
      down.delete(event.pointerId);
      touchedAt = seconds();
    }, { capture: true });
  }
  document.addEventListener("visibilitychange", () => { if (isInView()) shownAt = seconds(); });
}

/** @returns {boolean} whether no finger is on the screen */
export const isIdle = () => down.size === 0 && seconds() - touchedAt > idleAfter;

/** @returns {boolean} whether this screen can't be touched, such as one on the wall */
export const hasNoPointer = () => matchMedia("(any-pointer: none)").matches;

/** @returns {boolean} whether rows may move: nobody is there, or has just begun to look */
export const mayMove = () => hasNoPointer() || isIdle() && seconds() - shownAt < newFor;
