// Keeps open pages up to date: the server says that something changed, and the page asks for the part that shows it.
import { $ } from "./dom.js";
import { apply, applyWaiting } from "./apply.js";
import { seconds } from "./clock.js";
import { ask, reloadSoon, retryNow, startConnection, unasked } from "./connection.js";
import { watchTouches } from "./idle.js";
import { isOffline } from "./offline.js";
import { addressOf, isBusy, newestVersion, parts, topicsOf } from "./parts.js";

const freshSeconds = 30; // after which the age of the data is asked for again

/** @type {Map<string, number>} the newest version of each topic */
const versions = new Map();

/**
 * @typedef {object} Fetching
 * @property {boolean} isRunning
 * @property {boolean} isWanted once more when this one has ended, or a press has its answer
 * @property {number} startedAt in seconds
 * @property {number | null} timer of one that is put off
 * @property {{path: string, value: string | null} | null} tag of the last answer
 */

/** @type {WeakMap<HTMLElement, Fetching>} */
const fetchings = new WeakMap();

function fetchingOf(part) {
  if (!fetchings.has(part)) {
    fetchings.set(part, { isRunning: false, isWanted: false, startedAt: -Infinity, timer: null, tag: null });
  }
  return fetchings.get(part);
}

/** Starts to follow what changes, where somebody is signed in. */
export function startLive() {
  if (!$("#link")) return;
  // What a press has put in may be older than what was told while it was on its way.
  document.addEventListener("htmx:afterSwap", event => {
    const part = event.detail.target?.closest("[data-live]") ?? $("#order, #board")?.closest("[data-live]");
    if (part) refetch(part);
  });
  document.addEventListener("unlocked", () => {
    retryNow();
    parts().forEach(refetch);
  });
  watchTouches();
  startConnection({ onVersion: noteVersion, onSecond: watchParts });
}

function noteVersion(topic, version) {
  versions.set(topic, version);
  for (const part of parts()) {
    const topics = topicsOf(part);
    if (!topics.includes(topic)) continue;
    const newest = newestVersion(topics, versions);
    if (newest !== null && newest !== Number(part.dataset.version)) refetch(part);
  }
}

function watchParts() {
  for (const part of parts()) {
    const age = seconds() - Math.max(0, fetchingOf(part).startedAt);
    if (part.dataset.kind === "fresh" && age > freshSeconds) refetch(part); // it grows old by itself
    applyWaiting(part);
  }
}

/** @param {HTMLElement} part */
async function refetch(part) {
  const fetching = fetchingOf(part);
  if (fetching.isRunning || isBusy(part)) { // a press has an answer of its own, and is looked after when that is here
    fetching.isWanted = true;
    return;
  }
  // What may change all the time, and of which only how much counts, is not asked about each time.
  const wait = Number(part.dataset.gap ?? 0) - (seconds() - fetching.startedAt);
  if (wait > 0) {
    fetching.timer ??= setTimeout(() => {
      fetching.timer = null;
      refetch(part);
    }, wait * 1000);
    return;
  }
  fetching.isRunning = true;
  fetching.startedAt = seconds();
  try {
    await fetchPart(part, fetching);
  } catch {
    part.dataset.version = ""; // whatever version is told next is another
    ask(); // tells whether the server is there at all
    setTimeout(() => { if (!isOffline()) refetch(part); }, 1000 * (2 + 3 * Math.random()));
  } finally {
    fetching.isRunning = false;
    if (fetching.isWanted && !isBusy(part)) {
      fetching.isWanted = false;
      refetch(part);
    }
  }
}

async function fetchPart(part, fetching) {
  const path = addressOf(part);
  const headers = fetching.tag?.path === path ? { "If-None-Match": fetching.tag.value } : {};
  const answer = await fetch(path, unasked(headers));
  if (answer.status === 401) return reloadSoon();
  if ([304, 403, 404, 423].includes(answer.status)) return;
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const isFresh = part.dataset.kind === "fresh";
  const fresh = $(isFresh ? "[data-live][data-kind=fresh]" : "[data-live]:not([data-kind=fresh])", page);
  if (!fresh) throw new Error("not a part");
  if (path !== addressOf(part) || isBusy(part)) {
    fetching.isWanted = true; // somebody took a step meanwhile
    return;
  }
  fetching.tag = { path, value: answer.headers.get("ETag") };
  apply(part, fresh);
}
