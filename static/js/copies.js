// Without the server: a browser that lets us (by HTTPS, or on the server's own machine) keeps copies of the pages that were
// seen here, and shows them while the server is away. worker.js keeps them; this tells it when.
import { $, address, isInView, setText } from "./dom.js";
import { giveUp } from "./connection.js";
import { isOffline, onOnline } from "./offline.js";

const copyEveryMs = 60_000; // of a page that stands open

const root = document.documentElement;

/** Keeps copies of pages, and says of a page that it is one. */
export function startCopies() {
  const worker = navigator.serviceWorker;
  root.classList.toggle("no-copies", !worker);
  if (!worker) return;
  if (root.dataset.copyAge !== undefined) showCopy();
  new MutationObserver(() => {
    if (root.classList.contains("locked")) worker.controller?.postMessage("locked");
  }).observe(root, { attributeFilter: ["class"] });
  // The page of a first visit came without the worker, which may have taken it over before this runs.
  const [visit] = performance.getEntriesByType("navigation");
  if (!worker.controller) worker.addEventListener("controllerchange", keepCopy, { once: true });
  else if (visit?.workerStart === 0) keepCopy();
  worker.register(address("/sw.js")).then(() => worker.ready).then(({ active }) => {
    // A page that was on its way while the worker took all pages over was left out.
    if (!worker.controller) active?.postMessage("here");
  }).catch(() => root.classList.add("no-copies"));
  setInterval(keepCopy, copyEveryMs);
}

function showCopy() {
  const time = $("#copy time");
  const clock = $("[data-clock]");
  if (time && clock) {
    time.dateTime = clock.dateTime;
    setText(time, clock.dataset.moment);
  }
  if ($("#link")) giveUp();
  onOnline(() => location.reload());
}

function keepCopy() {
  const isWorthIt = $("main > .live[data-kind=list], main > .live[data-kind=page], ol.serials");
  if (!isWorthIt || !isInView() || isOffline() || !navigator.serviceWorker.controller) return;
  const headers = { "Lineboard-Unasked": "1", "Lineboard-Copy": "1" };
  fetch(location.href, { headers }).catch(() => {}); // the page itself notices
}
