// Pages work without this file; it only makes them smooth. What a page says comes from its markup, never from here.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => root.querySelectorAll(selector);

  // ---- Time: the server's. A tablet's clock may be wrong, so only what has passed since the page was made is taken from it.

  // A copy that the device kept (static/worker.js) has no time of now: there the tablet's has to do.
  const made = !document.documentElement.dataset.copy && Date.parse($("[data-clock]")?.dateTime) || Date.now();
  const ahead = made - (performance.getEntriesByType("navigation")[0]?.responseStart ?? performance.now());
  let slept = 0; // what performance.now() missed while the tablet slept
  const now = () => ahead + slept + performance.now();

  const clocks = new Map();
  function clockIn(zone) {
    if (!clocks.has(zone)) {
      const form = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
      let clock = null;
      try { clock = new Intl.DateTimeFormat("en-GB", { ...form, timeZone: zone }); } catch { /* a zone unknown here: as written */ }
      clocks.set(zone, clock);
    }
    return clocks.get(zone);
  }

  // lasting writes a length of time as the server does (text.Lasting), in whole seconds.
  function lasting(ms) {
    const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60);
    if (m < 1) return `${s} s`;
    if (h < 1) return `${m} min ${s % 60} s`;
    if (h < 24) return `${h} h ${m % 60} min`;
    return `${Math.floor(h / 24)} ${document.documentElement.dataset.day} ${h % 24} h`;
  }

  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  function tick() {
    for (const element of all("[data-clock]")) {
      const clock = clockIn(element.dataset.zone);
      if (clock) put(element, clock.format(now()));
    }
    for (const element of all("[data-age]")) put(element, lasting(now() - Date.parse(element.dataset.age)));
    setTimeout(tick, 1000 - (now() % 1000));
  }
  tick();

  document.addEventListener("visibilitychange", async () => {
    if (document.visibilityState !== "visible") return;
    try {
      const answer = await fetch("/healthz", { cache: "no-store" });
      const missed = Date.parse(answer.headers.get("Date")) + 500 - now();
      if (Math.abs(missed) > 2000) slept += missed;
    } catch { /* the server is away: the clock goes on as it was */ }
  });

  // ---- Setting up: a zone that nobody gave yet is most likely the one that this device is in

  for (const field of all("input[data-zone-here]")) field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;

  // ---- Announcing

  function announce(text) {
    const announcer = $("#announcer");
    if (!announcer) return;
    announcer.textContent = "";
    setTimeout(() => { announcer.textContent = text; }, 50); // a change is read, the same text again is not
  }

  // ---- Copying

  async function copy(text) {
    if (navigator.clipboard && isSecureContext) {
      // Handed over as a promise: a browser lets a press copy only at once, and the list has yet to come.
      const plain = Promise.resolve(text).then(words => new Blob([words], { type: "text/plain" }));
      return navigator.clipboard.write([new ClipboardItem({ "text/plain": plain })]);
    }
    const area = document.createElement("textarea"), before = document.activeElement;
    area.value = await text;
    area.className = "hidden-text";
    area.readOnly = true;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus({ preventScroll: true });
    if (!done) throw new Error("not copied");
  }

  async function serialsOf(url) {
    const answer = await fetch(url);
    if (!answer.ok || answer.redirected) throw new Error("no list");
    return (await answer.json()).serials.join("\n");
  }

  document.addEventListener("click", async event => {
    const button = event.target.closest?.("[data-copy], [data-copy-all]");
    if (!button) return;
    const { copy: one, copyAll: url, done, failed } = button.dataset;
    let said = done;
    try {
      await copy(url ? serialsOf(url) : one);
    } catch {
      said = failed;
    }
    button.dataset.said = said;
    announce(said);
    clearTimeout(button.timer);
    button.timer = setTimeout(() => delete button.dataset.said, 2000);
  });

  const reveal = root => { for (const button of all("[data-copy][hidden], [data-copy-all][hidden]", root)) button.hidden = false; };
  reveal(document);

  // ---- Releasing: once, and not by the second tap of two

  const guard = 500; // ms in which what just appeared does not take a press
  const patience = 10; // s after which a way out is offered
  const appeared = new WeakMap();
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? performance.now();
  for (const form of all("form[data-busy]")) appeared.set(form, paint);

  document.addEventListener("submit", event => {
    const form = event.target;
    // What needs the server is not sent while it is away (live.js), and never later.
    if (document.documentElement.classList.contains("cut")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (form.matches("form[data-busy]")) {
      const harmless = "atOnce" in form.dataset; // such as a refresh
      if (form.classList.contains("sent") || !harmless && performance.now() - (appeared.get(form) ?? 0) < guard) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      busy(form);
    }
  }, true);

  function busy(form) {
    const button = $("button", form), words = $("span", button) ?? button, since = performance.now();
    form.classList.add("sent");
    form.words = words.textContent;
    put(words, form.dataset.busy);
    announce(form.dataset.busy);
    setTimeout(() => { button.disabled = form.classList.contains("sent"); }); // after the browser has taken the form
    form.timer = setInterval(() => {
      const s = Math.floor((performance.now() - since) / 1000);
      put(words, `${form.dataset.busy} ${s} s`);
      if (s === patience) lost(form, true);
    }, 1000);
  }

  // restore undoes what busy did. After a failed request the button stays as it is: whether the server has it is not known.
  function restore(form) {
    clearInterval(form.timer);
    if (form.words) put($("button span", form), form.words);
    $("button", form).disabled = false;
    form.classList.remove("sent", "stranded");
  }

  addEventListener("pageshow", event => { if (event.persisted) all("form.sent").forEach(restore); });

  // lost says in the panel that the server could not be reached; sent is whether a release was on its way to it.
  function lost(element, sent) {
    const panel = element.closest?.("#release") ?? $("#release");
    const text = sent ? panel?.dataset.lost : panel?.dataset.lostPage;
    if (text) alarm(panel, text, { link: panel.dataset.reload, to: location.pathname, mark: sent ? "lost-sent" : "" });
  }

  // alarm puts a problem into a panel, with a link that leads on; a panel has one of them at a time.
  function alarm(panel, text, { link, to, mark }) {
    if ($(".lost", panel)?.firstChild.firstChild.textContent === text) return;
    found();
    const box = document.createElement("div"), words = document.createElement("div");
    const what = document.createElement("p"), way = document.createElement("p"), further = document.createElement("a");
    box.className = `problem lost ${mark}`.trim();
    box.setAttribute("role", "alert");
    what.textContent = text;
    further.className = "button";
    further.href = to;
    further.textContent = link;
    way.append(further);
    words.append(what, way);
    box.append(words);
    panel.append(box);
    box.scrollIntoView({ block: "nearest" });
  }

  // stranded is a request that came to nothing. Its form stays as it is, says again what it would do, and can't be pressed.
  function stranded(element) {
    const form = element.closest?.("form.sent");
    if (form) {
      clearInterval(form.timer);
      form.classList.add("stranded");
      put($("button span", form), form.words);
    }
    lost(element, Boolean(form));
  }

  const found = () => all("#release .lost").forEach(box => box.remove());

  // ---- A press shows until the page that it asks for is there: on a slow network nothing else would

  document.addEventListener("click", event => {
    const link = event.target.closest?.("a[href]");
    const here = link && link.origin === location.origin && !link.target && !link.hasAttribute("download");
    const aside = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    const within = link?.hash && link.href.split("#")[0] === location.href.split("#")[0];
    if (here && !aside && !within && !event.defaultPrevented) link.classList.add("going");
  });
  document.addEventListener("submit", event => {
    if (!event.defaultPrevented) event.submitter?.classList.add("going");
  });
  addEventListener("pagehide", () => all(".going").forEach(pressed => pressed.classList.remove("going"))); // it may come back

  // ---- Parts of a page that htmx puts in place of others

  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:swapError"]) {
    document.addEventListener(failure, event => {
      stranded(event.target);
    });
  }

  // said is what a part of the page says, but for the times that pass.
  function said(part) {
    const copy = part.cloneNode(true);
    all("[data-age], .as-of, .lost, .asked, pre", copy).forEach(element => element.remove());
    return copy.textContent.replace(/\s+/g, " ");
  }

  // settle looks after what has just been put in place of an order, or of another part of a page: held says whether the
  // focus was in what went, or nowhere.
  function settle(page, held) {
    reveal(page);
    for (const form of all("form[data-busy]", page)) appeared.set(form, performance.now());
    const result = $(".problem, .result", page), armed = $(".armed", page);
    const unsigned = $(".signing .problem", page);
    unsigned?.scrollIntoView({ block: "center" });
    if (held) (armed ? $("#release h2") : result ?? $("#release h2"))?.focus({ preventScroll: true });
    if (unsigned) announce(unsigned.textContent.trim());
    if (!armed && result) announce(($(".what", result) ?? result).textContent.trim());
  }

  const holds = part => document.activeElement === document.body || part.contains(document.activeElement);

  let held = false;

  document.addEventListener("htmx:beforeSwap", event => {
    const { xhr, target, requestConfig } = event.detail, asked = requestConfig.elt;
    if (target.id !== "order") return;
    const ours = xhr.responseText.includes('id="order"');
    if (!ours) { // not from Lineboard, or nothing at all: what stands here stays
      event.detail.shouldSwap = false;
      stranded(asked);
      return;
    }
    found();
    held = asked.matches("form") || holds($("#release"));
  });

  document.addEventListener("htmx:afterSwap", event => {
    const page = $("#order");
    if (page && event.detail.target?.id === "order") settle(page, held);
  });

  // ---- At a station: keys for a PIN, and what is typed or scanned before its field was touched

  function showKeys(root) {
    for (const keys of all(".digits[hidden]", root)) {
      keys.hidden = false;
      $("[data-pad]", keys.parentElement).inputMode = "none"; // the browser's own keys would cover these
    }
  }
  showKeys(document);
  document.addEventListener("htmx:afterSwap", event => showKeys(event.detail.target));

  document.addEventListener("click", event => {
    const key = event.target.closest?.("[data-key]");
    if (!key) return;
    const field = $("[data-pad]", key.form);
    field.value = key.dataset.key ? field.value + key.dataset.key : field.value.slice(0, -1);
    field.focus();
  });

  document.addEventListener("keydown", event => {
    if (event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey) return;
    if (document.activeElement?.matches("input, textarea, select")) return;
    $(lock?.open ? "#lock [data-pad]" : "main [data-pad], main [data-scan]")?.focus(); // and the key goes there
  });

  // A scanner that types like a keyboard sends the separator of a barcode's fields as Ctrl+].
  document.addEventListener("keydown", event => {
    if (!event.ctrlKey || event.key !== "]" && event.code !== "BracketRight" || !event.target.matches?.("[data-scan]")) return;
    event.preventDefault();
    event.target.setRangeText("\u001d", event.target.selectionStart, event.target.selectionEnd, "end");
  });

  // ---- At a station: locked when nobody uses it. When is the server's word, and what it locks it gives to nobody; this
  // only covers what the page shows already.

  const idle = $("#idle"), lock = $("#lock");
  if (idle && lock) {
    const warn = Number(idle.dataset.warn), sparing = 10_000; // ms between two words to the server that it is used
    let until = performance.now() + Number(idle.dataset.lockIn), told = performance.now(), timer;

    async function ask(method) {
      try {
        const answer = await fetch(method === "POST" ? idle.dataset.used : idle.dataset.idle, { method, headers: { Accept: "application/json" } });
        if (answer.status === 423) return cover();
        if (answer.redirected || !answer.ok) return location.reload(); // signed out
        until = performance.now() + 1000 * (await answer.json()).left;
      } catch {
        if (until <= performance.now()) return cover(); // the server is away: its last word counts
      }
      watch();
    }

    function watch() {
      clearTimeout(timer);
      if (lock.open) return;
      const left = until - performance.now(), late = left <= warn;
      put($("[data-left]", idle), String(Math.max(0, Math.ceil(left / 1000))));
      if (late === idle.hidden) announce(late ? $("#idle-words").textContent : "");
      idle.hidden = !late;
      if (left <= 0) ask("GET");
      // Another window may have been used: ask before warning.
      else timer = late ? setTimeout(watch, 250) : setTimeout(() => ask("GET"), left - warn + 50);
    }
    watch();

    function used() {
      if (lock.open || (idle.hidden && performance.now() - told < sparing)) return;
      told = performance.now();
      ask("POST");
    }
    addEventListener("pointerdown", () => { if (idle.hidden) used(); }, true);
    addEventListener("keydown", used, true);
    idle.addEventListener("click", used); // it lies over the page: the touch that puts it away presses nothing else
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible" && !lock.open) ask("GET"); });

    function cover() {
      clearTimeout(timer);
      idle.hidden = true;
      document.documentElement.classList.add("locked");
      if (!lock.open) lock.showModal();
    }
    // A second Escape would close it whatever "cancel" says, and what is typed until it is open again would be lost.
    lock.addEventListener("keydown", event => { if (event.key === "Escape") event.preventDefault(); });
    lock.addEventListener("cancel", event => event.preventDefault());
    lock.addEventListener("close", () => { if (document.documentElement.classList.contains("locked")) lock.showModal(); });

    document.addEventListener("unlocked", () => {
      document.documentElement.classList.remove("locked");
      lock.close();
      $("[data-pad]", lock).value = "";
      $(".problem", lock)?.remove();
      ask("GET");
    });

    $("[data-lock-now]")?.addEventListener("submit", async event => {
      event.preventDefault();
      cover();
      try { await fetch(idle.dataset.lock, { method: "POST", redirect: "manual", keepalive: true }); } catch { /* time will lock it */ }
    });

    document.addEventListener("htmx:beforeRequest", event => { if (lock.open && !lock.contains(event.target)) event.preventDefault(); });
    document.addEventListener("htmx:beforeOnLoad", event => {
      if (event.detail.xhr.status !== 423) return;
      event.preventDefault();
      cover();
    });
  }

  globalThis.lineboard = { $, all, put, now, lasting, announce, said, settle, holds, found, alarm };
})();
