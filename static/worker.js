// The service worker, served at /sw.js: it keeps the files that pages need, and copies of the pages last seen by the person
// who is signed in here, for the time when the server can't be reached. It holds back nothing that is sent: what can't be
// sent now is not sent later.
import { asCopy, changesReader, isTooOld, mayKeep } from "./js/kept.js";

const base = new URL(".", location.href).pathname.slice(0, -1); // the path below which a proxy serves all pages, or ""
const shells = base + "shell-"; // caches of this Lineboard: others of the same host have theirs
const copies = base + "pages-";
const shell = shells + "SHELL_HASH";
const files = ["SHELL_FILES"].map(path => base + path);
const fallback = base + "/offline";
const maxCopies = 40;
const maxWaitMs = 6000; // after which a copy is shown instead

let generation = 0; // grows when copies are thrown away: what was asked for before is not kept after

self.addEventListener("install", event => {
  self.skipWaiting();
  event.waitUntil(caches.open(shell).then(cache => cache.addAll([...files, fallback])));
});

self.addEventListener("activate", event => event.waitUntil(activate()));

self.addEventListener("fetch", event => {
  const { request } = event;
  const { origin, pathname: wholePath } = new URL(request.url);
  if (origin !== location.origin) return;
  const pathname = wholePath.slice(base.length);
  if (request.method !== "GET") {
    if (changesReader(pathname)) event.waitUntil(forget());
  } else if (pathname.startsWith("/static/")) {
    event.respondWith(caches.match(request).then(kept => kept ?? fetch(request)));
  } else if (request.mode === "navigate" || request.headers.has("Lineboard-Copy")) {
    event.respondWith(answerPage(event));
    event.waitUntil(dropOld());
  }
});

self.addEventListener("message", event => {
  // A tablet that is locked shows nothing, with the server or without.
  if (event.data === "locked") event.waitUntil(forget());
  if (event.data === "here") event.waitUntil(self.clients.claim());
});

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(shells) && name !== shell) await caches.delete(name);
  }
  await dropOld();
  await self.clients.claim();
}

async function answerPage(event) {
  const { request } = event;
  const begunIn = generation;
  const fetched = fetch(request).then(answer => {
    event.waitUntil(keep(request, answer.clone(), begunIn));
    return answer;
  });
  const late = new Promise(done => setTimeout(done, maxWaitMs)).then(() => copyOf(request));
  try {
    return await Promise.race([fetched, late.then(copy => copy ?? fetched)]);
  } catch {
    return await copyOf(request) ?? await caches.match(fallback) ?? Response.error();
  }
}

// keep keeps a page for its reader alone. A page of another reader, or the page to sign in, ends the copies of the one
// before.
async function keep(request, answer, begunIn) {
  const { pathname: wholePath, search } = new URL(request.url);
  const pathname = wholePath.slice(base.length);
  const reader = answer.headers.get("Lineboard-Reader");
  if (!reader) {
    if (answer.ok && pathname === "/login" || answer.status === 423) await forget();
    return;
  }
  const ownCache = copies + reader;
  await forget(ownCache);
  if (!answer.ok || begunIn !== generation || !mayKeep(pathname, search)) return;
  const cache = await caches.open(ownCache);
  await cache.delete(request.url);
  const headers = new Headers(answer.headers);
  headers.set("Lineboard-Kept", String(Date.now()));
  await cache.put(request.url, new Response(answer.body, { headers }));
  for (const old of (await cache.keys()).slice(0, -maxCopies)) await cache.delete(old);
  if (begunIn !== generation) await caches.delete(ownCache);
}

async function forget(except) {
  if (!except) generation++;
  for (const name of await caches.keys()) {
    if (name.startsWith(copies) && name !== except) await caches.delete(name);
  }
}

// dropOld deletes copies that are too old, whether or not somebody asks for them.
async function dropOld() {
  for (const name of await caches.keys()) {
    if (!name.startsWith(copies)) continue;
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const kept = await cache.match(request);
      if (kept && isTooOld(ageOf(kept))) await cache.delete(request);
    }
  }
}

/**
 * @param {Response} kept
 * @returns {number} its age in ms
 */
const ageOf = kept => Date.now() - Number(kept.headers.get("Lineboard-Kept"));

/**
 * @param {Request} request
 * @returns {Promise<Response | undefined>} the copy of a page, if there is one that may be shown
 */
async function copyOf(request) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(copies)) continue;
    const kept = await (await caches.open(name)).match(request.url);
    if (!kept) continue;
    const copy = asCopy(await kept.text(), ageOf(kept));
    if (copy === null) return forget();
    const headers = new Headers(kept.headers);
    for (const encoding of ["Content-Encoding", "Content-Length"]) headers.delete(encoding);
    return new Response(copy, { headers });
  }
}
