// The page and the server: a stream of what changes, or questions where no stream gets through.
import { $, address, all, isInView, setText } from "./dom.js";
import { formatDuration, now, seconds } from "./clock.js";
import { isOffline, setOffline, setOnline } from "./offline.js";
import { parts, topicsOf } from "./parts.js";

// All in seconds.
const maxSilence = 5; // after which a stream is given up; the server speaks every 3
const maxAnswer = 4; // that an answer may take
const maxAskAnswer = 2.5; // that the answer to a question for versions may take: it is short
const missedInterval = 0.5; // until a question without an answer is asked again
const pollInterval = 4; // between two questions where no stream gets through
const lostInterval = 2; // between two questions while the server is away
const maxRetryDelay = 60; // until a stream is tried again

/** @type {EventSource | null} */
let stream = null;
let openedAt = 0;
let hasSpoken = false; // whether this stream has said anything
let failures = 0; // of streams in a row
let retryAt = 0; // when to open the next stream
let askedAt = 0;
let isAsking = false;
let missed = 0; // answers in a row
let heardAt = seconds();
let heardTime = now();

/** @type {(topic: string, version: number) => void} */
let onVersion;
/** @type {() => void} */
let onSecond;

/**
 * Listens to the server from now on.
 * @param {{onVersion: (topic: string, version: number) => void, onSecond: () => void}} handlers called when a topic has
 *   a version, and each second while the page is in view
 */
export function startConnection(handlers) {
  ({ onVersion, onSecond } = handlers);
  document.addEventListener("visibilitychange", () => {
    if (!isInView()) return closeStream();
    heardAt = seconds(); // what passed while nobody looked is no silence
    missed = 0;
    retryNow();
    if (!stream) openStream();
  });
  addEventListener("pagehide", closeStream);
  addEventListener("pageshow", event => { if (event.persisted) openStream(); });
  addEventListener("offline", () => { closeStream(); ask(); });
  addEventListener("online", () => { retryNow(); ask(); });
  if (isInView()) openStream();
  everySecond();
}

/** Lets the next stream be opened without delay. */
export function retryNow() {
  retryAt = 0;
}

/** Says that the server is away, until it answers. */
export function giveUp() {
  closeStream();
  setOffline();
}

/** Reloads the page of somebody who is not signed in any more, unless it is on its way elsewhere. */
export function reloadSoon() {
  closeStream();
  retryAt = Infinity;
  setTimeout(() => location.reload(), 500);
}

/**
 * @param {Record<string, string>} headers
 * @param {number} [maxSeconds] after which it ends
 * @returns {RequestInit} what a request carries that no person asked for
 */
export function unasked(headers, maxSeconds = maxAnswer) {
  return {
    headers: { "Lineboard-Unasked": "1", "HX-Request": "true", ...headers },
    cache: "no-store",
    redirect: "error",
    signal: abortAfter(maxSeconds * 1000),
  };
}

// AbortSignal.timeout is missing in Safari before 16, Chrome before 103 and their WebViews.
function abortAfter(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

/** Asks once for all versions. Nothing happens while a question is on its way. */
export async function ask() {
  if (isAsking) return;
  isAsking = true;
  askedAt = seconds();
  try {
    const answer = await fetch(eventsAddress(), unasked({ Accept: "text/plain" }, maxAskAnswer));
    if (answer.status === 401) return reloadSoon();
    // The server is there: it is locked, and shows nothing until somebody is back, or too much is asked of it at once.
    if (answer.status === 423 || answer.status === 429) return heard();
    const isList = answer.ok && answer.headers.get("Content-Type")?.startsWith("text/plain");
    if (!isList) throw new Error(String(answer.status));
    if (answer.headers.get("Lineboard-Person") !== $("#link").dataset.person) return reloadSoon();
    const text = await answer.text();
    heard();
    for (const line of text.trim().split("\n")) report(line);
  } catch {
    missed++;
    if (missed >= 2) giveUp();
  } finally {
    isAsking = false;
  }
}

// Every page hears of its site: it then knows of its connection too.
function eventsAddress() {
  const topics = new Set(["site", ...parts().flatMap(topicsOf)]);
  return address("/events?") + [...topics].map(topic => "t=" + encodeURIComponent(topic)).join("&");
}

function report(line) {
  const { topic, version } = parseVersion(line);
  onVersion(topic, version);
}

/**
 * @param {string} line such as "line:3 17"
 * @returns {{topic: string, version: number}}
 */
export function parseVersion(line) {
  const [topic, version] = line.split(" ");
  return { topic, version: Number(version) };
}

function heard() {
  heardAt = seconds();
  heardTime = now();
  missed = 0;
  if (isOffline()) {
    retryNow();
    setOnline();
  }
  const link = $("#link");
  link.dataset.state = hasSpoken ? "stream" : "poll";
  link.hidden = false;
}

function openStream() {
  openedAt = seconds();
  hasSpoken = false;
  stream = new EventSource(eventsAddress());
  stream.addEventListener("changed", event => {
    hasSpoken = true;
    failures = 0;
    heard();
    report(event.data);
  });
  stream.addEventListener("beat", heard);
  stream.addEventListener("over", sessionEnded);
  stream.addEventListener("error", streamFailed);
}

// Only a page in view has a stream: a browser keeps about six connections to a server, for all its tabs.
function closeStream() {
  stream?.close();
  stream = null;
  hasSpoken = false;
}

function streamFailed() {
  closeStream();
  failures++;
  retryAt = seconds() + retryDelay(failures, Math.random());
  ask();
}

/**
 * Many tablets lose their streams at once, and must not come back at once.
 * @param {number} count of failures in a row
 * @param {number} random from 0 to 1
 * @returns {number} seconds until the next try
 */
export const retryDelay = (count, random) => Math.min(maxRetryDelay, 2 ** count / 2) * (0.5 + random / 2);

// The session has ended, or has gone on as another, which asking tells. Who has just pressed Sign out is on their way.
function sessionEnded() {
  closeStream();
  askedAt = seconds();
  retryAt = askedAt + 2;
  setTimeout(ask, 1000);
}

function everySecond() {
  if (isInView()) {
    const time = seconds();
    const isSilent = time - heardAt > maxSilence || !hasSpoken && time - openedAt > maxAnswer;
    if (stream && isSilent) {
      missed++; // what should have come did not: one question without an answer is enough
      streamFailed();
    }
    if (!stream && time > retryAt && !isOffline()) openStream();
    if (!hasSpoken && time - askedAt >= askInterval()) ask();
    onSecond();
  }
  showHeard();
  setTimeout(everySecond, 1000);
}

function showHeard() {
  for (const age of all(".link-age")) setText(age, formatDuration(now() - heardTime));
  for (const hop of all("[data-hop]")) hop.hidden = false;
}

function askInterval() {
  if (isOffline()) return lostInterval;
  if (missed > 0) return missedInterval;
  return Math.min(pollInterval, ...all("[data-poll]").map(element => Number(element.dataset.poll)));
}
