// Without the server: a browser that lets us (by HTTPS, or on the server's own machine) keeps copies of the pages that were
// seen here, and shows them while the server is away. static/worker.js keeps them; this tells it when, and says that it is one.
(() => {
  "use strict";
  const { $, put, lose } = lineboard;
  const root = document.documentElement;
  root.classList.toggle("no-copies", !navigator.serviceWorker);
  if (!navigator.serviceWorker) return;

  const asOf = Date.parse(root.dataset.copy);
  if (asOf) {
    const when = $("#copy time");
    if (when) {
      when.dateTime = new Date(asOf).toISOString();
      put(when, new Date(asOf).toLocaleString(root.lang, { dateStyle: "medium", timeStyle: "medium" }));
    }
    lose?.();
    document.addEventListener("lineboard:back", () => location.reload());
  }

  const often = 60_000; // ms between two copies of a page that stands open
  const worth = $("main > .live[data-kind=list], main > .live[data-kind=page], ol.serials");

  function copy() {
    if (!worth || document.visibilityState !== "visible" || root.classList.contains("cut") || !navigator.serviceWorker.controller) return;
    fetch(location.href, { headers: { "Lineboard-Unasked": "1", "Lineboard-Copy": "1" } }).catch(() => {}); // the page itself notices
  }

  new MutationObserver(() => {
    if (root.classList.contains("locked")) navigator.serviceWorker.controller?.postMessage("locked");
  }).observe(root, { attributeFilter: ["class"] });

  const before = navigator.serviceWorker.controller;
  navigator.serviceWorker.register("/sw.js").catch(() => root.classList.add("no-copies"));
  if (!before) navigator.serviceWorker.addEventListener("controllerchange", copy, { once: true }); // this page came without it
  setInterval(copy, often);
})();
