// The service worker, served at /sw.js: it keeps the files that pages need, and copies of the pages last seen by whoever is
// signed in here, for the time when the server can't be reached. It holds back nothing that is sent: what can't be sent now
// is not sent later.
"use strict";

const shell = "shell-SHELL_HASH";
const files = ["SHELL_FILES"];
const fallback = "/offline";
const most = 40; // copies of pages
const patience = 6000; // ms after which a copy is shown instead

let era = 0; // grows when copies are thrown away: what was asked for before is not kept after

self.addEventListener("install", event => {
  self.skipWaiting();
  event.waitUntil(caches.open(shell).then(cache => cache.addAll([...files, fallback])));
});

self.addEventListener("activate", event => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("shell-") && name !== shell) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", event => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.method !== "GET") {
    if (["/login", "/logout", "/tenant"].includes(pathname) || pathname.startsWith("/station")) event.waitUntil(forget()); // somebody comes or goes
  } else if (pathname.startsWith("/static/")) {
    event.respondWith(caches.match(request).then(kept => kept ?? fetch(request)));
  } else if (request.mode === "navigate" || request.headers.has("Lineboard-Copy")) {
    event.respondWith(page(event));
  }
});

// A tablet that is locked shows nothing, with the server or without.
self.addEventListener("message", event => { if (event.data === "locked") event.waitUntil(forget()); });

async function page(event) {
  const { request } = event, begun = era;
  const asked = fetch(request).then(answer => {
    const copy = answer.clone();
    event.waitUntil(keep(request, copy, begun));
    return answer;
  });
  const late = new Promise(done => setTimeout(done, patience)).then(() => copyOf(request));
  try {
    return await Promise.race([asked, late.then(copy => copy ?? asked)]);
  } catch {
    return await copyOf(request) ?? await caches.match(fallback) ?? Response.error();
  }
}

// keep keeps a page for its reader alone. One of another reader, or the page to sign in, ends the copies of who was there before.
async function keep(request, answer, begun) {
  const { pathname, search } = new URL(request.url), reader = answer.headers.get("Lineboard-Reader");
  if (!reader) {
    if (answer.ok && pathname === "/login" || answer.status === 423) await forget();
    return;
  }
  const own = "pages-" + reader;
  await forget(own);
  if (!answer.ok || begun !== era || !/^\/(lines\/.+|orders\/\d+(\/serials)?)?$/.test(pathname) || search.includes("arm=")) return;
  const cache = await caches.open(own);
  await cache.delete(request.url);
  const headers = new Headers(answer.headers);
  headers.set("Lineboard-Kept", Date.now());
  await cache.put(request.url, new Response(answer.body, { headers }));
  for (const old of (await cache.keys()).slice(0, -most)) await cache.delete(old);
  if (begun !== era) await caches.delete(own);
}

async function forget(except) {
  if (!except) era++;
  for (const name of await caches.keys()) if (name.startsWith("pages-") && name !== except) await caches.delete(name);
}

// copyOf gives the copy of a page, which says of itself that it is one, and as of when. One of a station is there until the
// station would have been locked: without the server nobody can say that it was used since.
async function copyOf(request) {
  for (const name of await caches.keys()) {
    if (!name.startsWith("pages-")) continue;
    const kept = await (await caches.open(name)).match(request.url);
    if (!kept) continue;
    const page = await kept.text(), lock = /data-lock-in="(\d+)"/.exec(page), age = Date.now() - kept.headers.get("Lineboard-Kept");
    if (lock && !(age >= 0 && age < lock[1])) {
      await forget();
      return;
    }
    const text = (lock ? page.replace(lock[0], `data-lock-in="${lock[1] - age}"`) : page)
      .replace("<html ", `<html data-copy="${kept.headers.get("Date") ?? ""}" `)
      .replace('id="copy" hidden', 'id="copy"');
    const headers = new Headers(kept.headers);
    for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
    return new Response(text, { headers });
  }
}
