// Time is the server's. A device's clock and zone may be wrong, so only what has passed since the page was made is taken
// from it.
import { $, address, all, isInView, setText } from "./dom.js";

const age = Number(document.documentElement.dataset.copyAge ?? 0); // of a copy that the device kept (kept.js), in ms
const madeAt = Date.parse($("[data-clock]")?.dateTime) + age || Date.now();
const ahead = madeAt - (performance.getEntriesByType("navigation")[0]?.responseStart ?? performance.now());
const sleepMs = 2000; // that a clock may be off
let slept = 0; // ms that performance.now() missed while the device slept
let deviceAhead = Date.now() - performance.now();
const maxWaitMs = 60_000; // until a server that did not tell its time is asked again
let waitMs = 0;
let askAt = 0; // not before
let isCorrecting = false;

/** @returns {number} the server's time, in ms since 1970 */
export const now = () => ahead + slept + performance.now();

/** @returns {number} a time that no clock change moves, in seconds */
export const seconds = () => performance.now() / 1000;

/** @type {Map<string, Intl.DateTimeFormat | null>} */
const formats = new Map();

/**
 * @param {number} time in ms since 1970
 * @param {string} zone such as "Europe/Brussels"
 * @returns {string | null} the time of day there, or null if this browser does not know the zone
 */
export function formatClock(time, zone) {
  if (!formats.has(zone)) formats.set(zone, clockFormat(zone));
  return formats.get(zone)?.format(time) ?? null;
}

function clockFormat(zone) {
  try {
    return new Intl.DateTimeFormat("en-GB", {
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone,
    });
  } catch {
    return null;
  }
}

/**
 * Writes a length of time as the server does (text.Lasting), in whole seconds.
 * @param {number} ms
 * @param {string} [dayUnit] the word for days
 * @returns {string}
 */
export function formatDuration(ms, dayUnit = document.documentElement.dataset.day) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const m = Math.floor(s / 60);
  const h = Math.floor(m / 60);
  if (m < 1) return `${s} s`;
  if (h < 1) return `${m} min ${s % 60} s`;
  if (h < 24) return `${h} h ${m % 60} min`;
  return `${Math.floor(h / 24)} ${dayUnit} ${h % 24} h`;
}

/** Keeps the clocks and ages of the page running. */
export function startClock() {
  document.documentElement.classList.add("ages"); // they are right from now on
  showTime();
  document.addEventListener("visibilitychange", () => {
    if (!isInView()) return;
    askAt = 0;
    correctClock();
  });
}

function showTime() {
  for (const element of all("[data-clock]")) {
    const time = formatClock(now(), element.dataset.zone);
    if (time) setText(element, time);
  }
  for (const element of all("[data-age]")) {
    setText(element, formatDuration(now() - Date.parse(element.dataset.age)));
  }
  // A device that slept shows it only so: its own clock went on. A screen on a wall does so in view.
  if (Math.abs(Date.now() - performance.now() - deviceAhead) > sleepMs) correctClock();
  setTimeout(showTime, 1000 - (now() % 1000));
}

// A device that slept may have missed time. The server gives its own: a proxy may put its time into Date.
async function correctClock() {
  if (isCorrecting || performance.now() < askAt) return;
  isCorrecting = true;
  const time = await askTime();
  isCorrecting = false;
  waitMs = time ? 0 : Math.min(maxWaitMs, 2 * waitMs || 1000);
  askAt = performance.now() + waitMs;
  if (!time) return;
  const missed = time - now();
  if (Math.abs(missed) > sleepMs) slept += missed;
  deviceAhead = Date.now() - performance.now();
}

// askTime returns the server's time, or 0 if the server is away, or a proxy keeps its time back.
async function askTime() {
  try {
    const answer = await fetch(address("/healthz"), { cache: "no-store" });
    return Number(answer.headers.get("Lineboard-Time"));
  } catch {
    return 0;
  }
}

/** Proposes the zone of this device where a site has none yet. */
export function proposeZone() {
  for (const field of all("input[data-zone-here]")) {
    field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
}
