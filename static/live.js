// Keeps open pages up to date: the server says that something changed, and the page asks for the part that shows it.
// Without this file a page shows what was when it was opened.
(() => {
  "use strict";
  const { $, all, put, now, lasting, announce, said, settle, holds, found, alarm } = lineboard;
  const link = $("#link");
  if (!link) return; // nobody is signed in here

  const silence = 17; // s without a word after which a stream is given up; the server speaks every 10
  const answer = 4; // s that an answer may take
  const often = 5; // s between two questions where no stream gets through
  const calmly = 1.5; // s without a touch in which a finger is away

  const seconds = () => performance.now() / 1000;

  // ---- Hearing: a stream, or questions where none gets through

  let stream = null; // an EventSource
  let opened = 0, flowing = false; // whether it has said anything
  let failures = 0, again = 0; // of streams in a row, and when to try the next
  let asked = 0, asking = false, missed = 0; // questions, and how many in a row were not answered
  let heard = seconds(), heardAt = now();
  const latest = new Map(); // topic → version

  const onItsWay = "form.sent:not(.stranded)"; // a press without its answer yet

  const parts = () => [...all("[data-live]")];
  const topicsOf = part => part.dataset.topics.split(" ");
  // Every page hears of its site: it then knows of its connection too.
  const address = () => "/events?" + [...new Set(["site", ...parts().flatMap(topicsOf)])].map(t => "t=" + encodeURIComponent(t)).join("&");
  const shown = () => document.visibilityState === "visible";

  function hear() {
    heard = seconds();
    heardAt = now();
    missed = 0;
    if (link.dataset.state === "lost") back();
    link.dataset.state = flowing ? "stream" : "poll";
    link.hidden = false;
  }

  function listen() {
    opened = seconds();
    flowing = false;
    stream = new EventSource(address());
    stream.addEventListener("changed", event => {
      flowing = true;
      failures = 0;
      hear();
      note(event.data);
    });
    stream.addEventListener("beat", hear);
    stream.addEventListener("over", over);
    stream.addEventListener("error", broken);
  }

  // hush ends the stream. Only a page in view has one: a browser keeps about six connections to a server, for all its tabs.
  function hush() {
    stream?.close();
    stream = null;
    flowing = false;
  }

  function broken() {
    hush();
    failures++;
    // Many tablets lose their streams at once, and must not come back at once.
    again = seconds() + Math.min(60, 2 ** failures / 2) * (0.5 + Math.random() / 2);
    ask();
  }

  // over: the session has ended, or has gone on as another, which asking tells. Who has just pressed Sign out is on their way.
  function over() {
    hush();
    asked = seconds();
    again = asked + 2;
    setTimeout(ask, 1000);
  }

  async function ask() {
    if (asking) return;
    asking = true;
    asked = seconds();
    try {
      const got = await fetch(address(), request({ Accept: "text/plain" }));
      if (got.status === 401) return leave();
      // The server is there: it is locked, and shows nothing until somebody is back, or too much is asked of it at once.
      if (got.status === 423 || got.status === 429) return hear();
      if (!got.ok || !got.headers.get("Content-Type")?.startsWith("text/plain")) throw new Error(got.status);
      if (got.headers.get("Lineboard-Person") !== link.dataset.person) return leave();
      const text = await got.text();
      hear();
      text.trim().split("\n").forEach(note);
    } catch {
      miss();
    } finally {
      asking = false;
    }
  }

  const request = headers => ({
    headers: { "Lineboard-Unasked": "1", "HX-Request": "true", ...headers }, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(answer * 1000),
  });

  function miss() {
    if (++missed >= 2) lose();
  }

  // leave goes where the server sends whoever is not signed in any more, unless the page is on its way elsewhere.
  function leave() {
    hush();
    again = Infinity;
    setTimeout(() => location.reload(), 500);
  }

  function watch() {
    if (shown()) {
      const at = seconds();
      if (stream && (at - heard > silence || !flowing && at - opened > answer)) broken();
      if (!stream && at > again && link.dataset.state !== "lost") listen();
      const gap = Math.min(often, ...[...all("[data-poll]")].map(e => Number(e.dataset.poll)));
      if (!flowing && at - asked >= (link.dataset.state === "lost" ? 2 : gap)) ask();
      for (const part of parts()) {
        if (part.dataset.kind === "fresh" && at - (part.asked ?? 0) > 30) refetch(part); // it grows old by itself
        if (part.waiting && calm()) part.waiting();
      }
    }
    for (const age of all(".link-age", link)) put(age, lasting(now() - heardAt));
    setTimeout(watch, 1000);
  }

  document.addEventListener("visibilitychange", () => {
    if (!shown()) return hush();
    heard = seconds(); // what passed while nobody looked is no silence
    cameIntoView = seconds();
    again = 0;
    missed = 0;
    if (!stream) listen();
  });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", event => { if (event.persisted) listen(); });
  document.addEventListener("unlocked", () => { again = 0; parts().forEach(refetch); });
  addEventListener("offline", () => { hush(); ask(); });
  addEventListener("online", () => { again = 0; ask(); });

  // ---- Without the server

  function lose() {
    if (link.dataset.state === "lost") return;
    hush();
    link.dataset.state = "lost";
    link.hidden = false;
    document.documentElement.classList.add("cut");
    for (const control of all("form button:not([data-copy], [data-copy-all]), a.release")) {
      if (control.disabled || control.hasAttribute("aria-disabled")) continue;
      control.dataset.cut = control.title;
      control.title = link.dataset.needs;
      if (control.matches("a")) control.setAttribute("aria-disabled", "true");
      else control.disabled = true;
    }
    announce(link.dataset.lost);
    document.dispatchEvent(new Event("lineboard:lost"));
  }

  function back() {
    document.documentElement.classList.remove("cut");
    for (const control of all("[data-cut]")) {
      control.title = control.dataset.cut;
      if (!control.title) control.removeAttribute("title");
      delete control.dataset.cut;
      if (control.matches("a")) control.removeAttribute("aria-disabled");
      else control.disabled = false;
    }
    again = 0;
    announce(link.dataset.back);
    document.dispatchEvent(new Event("lineboard:back"));
  }

  document.addEventListener("click", event => {
    if (event.target.closest?.("a[aria-disabled]")) event.preventDefault();
  }, true);

  // ---- What changed

  function note(line) {
    const [topic, version] = line.split(" ");
    latest.set(topic, Number(version));
    for (const part of parts()) {
      const topics = topicsOf(part);
      if (!topics.includes(topic) || topics.some(t => !latest.has(t))) continue;
      const newest = Math.max(...topics.map(t => latest.get(t)));
      if (newest !== Number(part.dataset.version)) refetch(part);
    }
  }

  async function refetch(part) {
    if (part.fetching || $(onItsWay, part)) { // a press has an answer of its own, and is looked after when that is here
      part.once = true;
      return;
    }
    // What may change all the time, and of which only how much counts, is not asked about each time.
    const wait = Number(part.dataset.gap ?? 0) - (seconds() - (part.asked ?? -Infinity));
    if (wait > 0) {
      part.later ??= setTimeout(() => { part.later = null; refetch(part); }, wait * 1000);
      return;
    }
    part.fetching = true;
    part.asked = seconds();
    const path = pathOf(part);
    try {
      const got = await fetch(path, request(part.tag?.path === path ? { "If-None-Match": part.tag.value } : {}));
      if (got.status === 401) return leave();
      if (![304, 403, 404, 423].includes(got.status)) {
        if (!got.ok) throw new Error(got.status);
        const page = new DOMParser().parseFromString(await got.text(), "text/html");
        const fresh = $(part.dataset.kind === "fresh" ? "[data-live][data-kind=fresh]" : "[data-live]:not([data-kind=fresh])", page);
        if (!fresh) throw new Error("not a part");
        if (path !== pathOf(part) || $(onItsWay, part)) {
          part.once = true; // somebody took a step meanwhile
        } else {
          part.tag = { path, value: got.headers.get("ETag") };
          bring(part, fresh);
        }
      }
    } catch {
      part.dataset.version = ""; // whatever version is told next is another
      ask(); // tells whether the server is there at all
      setTimeout(() => { if (link.dataset.state !== "lost") refetch(part); }, 1000 * (2 + 3 * Math.random()));
    } finally {
      part.fetching = false;
      if (part.once && !$(onItsWay, part)) {
        part.once = false;
        refetch(part);
      }
    }
  }

  // pathOf is where the part is asked for: as it stands, armed or not.
  const pathOf = part => part.dataset.live + ($(".armed", part) ? "?arm=1" : "");

  // What a press has put in may be older than what was told while it was on its way.
  document.addEventListener("htmx:afterSwap", event => {
    const part = event.detail.target?.closest("[data-live]") ?? $("#order")?.closest("[data-live]");
    if (part) refetch(part);
  });

  // ---- Showing it: nothing moves under a finger

  let touched = -Infinity, cameIntoView = -Infinity;
  for (const touch of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"]) {
    addEventListener(touch, () => { touched = seconds(); }, { capture: true, passive: true });
  }
  const calm = () => seconds() - touched > calmly;

  // Nobody's finger is on a screen that has no pointer, or that has just been turned to.
  const free = () => matchMedia("(any-pointer: none)").matches || seconds() - cameIntoView < 1 && calm();

  function bring(part, fresh) {
    part.dataset.version = fresh.dataset.version;
    part.waiting = null;
    // A press came to nothing that is known: only what it did, if it did anything, takes the place of saying so.
    if ($("form.stranded", part) && $(".release-execute", fresh)) return;
    if (fits(part, fresh)) {
      assign(part, fresh);
      offer(part, 0, null);
      return;
    }
    if (part.dataset.kind === "fresh") {
      const put = () => { part.waiting = null; swap(part, fresh); };
      if (calm()) put();
      else part.waiting = put;
    } else if (part.dataset.kind === "list" && fresh.dataset.kind === "list" && !free()) {
      hold(part, fresh);
    } else {
      turn(part, fresh);
    }
  }

  // What a person has begun to write, tick or choose; a text that came back from the server with a problem is theirs too.
  const fields = part => [...all("input:not([type=hidden]), textarea, select", part)].filter(field => field.name);
  function begun(field) {
    if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
    if (field.matches("select")) return field.selectedIndex !== Math.max(0, [...field.options].findIndex(option => option.defaultSelected));
    return field.value !== "" && (field.value !== field.defaultValue || field.matches("textarea"));
  }

  // swap puts what is now in the place of what was, and what a person has begun into it.
  function swap(part, fresh) {
    const open = [...all("details[open] > summary", part)].map(s => s.textContent);
    const kept = fields(part).filter(begun);
    part.replaceChildren(...fresh.childNodes);
    for (const was of kept) {
      const boxed = was.matches("[type=checkbox], [type=radio]");
      const now = fields(part).find(field => field.name === was.name && field.type === was.type && (!boxed || field.value === was.value));
      if (now && boxed) now.checked = was.checked;
      else if (now) now.value = was.value;
    }
    for (const name of ["kind", "live", "version"]) part.dataset[name] = fresh.dataset[name];
    for (const summary of all("details > summary", part)) summary.parentNode.open ||= open.includes(summary.textContent);
    htmx.process(part);
  }

  // turn puts what is now in the place of what was, but for what a person has in hand.
  function turn(part, fresh) {
    const execute = ".release-execute";
    if (said(part) === said(fresh) && part.dataset.kind === fresh.dataset.kind) {
      mend(part, fresh);
      return;
    }
    const panel = $(execute, part), now = $(execute, fresh);
    if (panel && now) {
      if (checked(panel) === checked(now)) {
        mend(part, fresh);
        return;
      }
      // What was checked is not what would be released any more. The server would refuse it too.
      for (const button of all("button.release", panel)) button.disabled = true;
      alarm(panel, part.dataset.changed, { link: part.dataset.again, to: fresh.dataset.live + ($(".armed", fresh) ? "?arm=1#release" : ""), mark: "" });
      return;
    }
    if (!panel && fields(part).some(begun)) { // nothing goes from under a hand that writes
      offer(part, 1, fresh);
      return;
    }
    found();
    const panels = $("#release", part) ?? part, held = holds(panels);
    swap(part, fresh);
    settle(part, held);
  }

  // checked is what an armed release is for: the order as it was shown.
  const checked = panel => [...all("input[type=hidden]", panel)].map(input => `${input.name}=${input.value}`).join();

  // mend brings the times in a page that says the same as before.
  function mend(part, fresh) {
    for (const selector of [".as-of", ".asked"]) {
      const was = all(selector, part), is = all(selector, fresh);
      if (was.length === is.length) was.forEach((element, i) => { if (element.innerHTML !== is[i].innerHTML) element.innerHTML = is[i].innerHTML; });
    }
  }

  // ---- Lists: values change in place, and what would move waits for a button

  const rows = part => [...all("[data-row]", part)];

  function hold(part, fresh) {
    const is = new Map(rows(fresh).map(row => [row.dataset.row, row]));
    const was = rows(part), before = new Set(was.map(row => row.dataset.row));
    const changed = new Set([...is.keys()].filter(key => !before.has(key)));
    for (const row of was) {
      const key = row.dataset.row, then = is.get(key);
      if (then && fits(row, then)) {
        assign(row, then);
        continue;
      }
      changed.add(key);
      row.classList.toggle("left", !then);
      for (const link of all("a.release", row)) link.setAttribute("aria-disabled", "true"); // it is not the one to release next any more
      if (!then || row.closest(".lane")) continue;
      const old = $(".mark", row), now = $(".mark", then);
      if (old && now) old.replaceWith(now.cloneNode(true));
    }
    // In the same rows as before, some have gone before others.
    offer(part, Math.max(1, changed.size), fresh);
  }

  function offer(part, n, fresh) {
    part.held = fresh;
    let button = $(":scope > .updates", part);
    if (!n) {
      button?.remove();
      return;
    }
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.className = "updates";
      button.addEventListener("click", () => show(part, button));
      part.append(button);
    }
    const text = n === 1 ? part.dataset.update : part.dataset.updates.replace("{n}", n);
    if (button.textContent !== text) {
      put(button, text);
      announce(text);
    }
  }

  function show(part, button) {
    const fresh = part.held;
    if (!fresh) return;
    part.held = null;
    swap(part, fresh);
    announce(part.dataset.updated);
    // The second tap of a double tap must not meet what lies under the button.
    button.disabled = true;
    put(button, part.dataset.updated);
    part.append(button);
    setTimeout(() => { if (!part.held) button.remove(); else { button.remove(); offer(part, 1, part.held); } }, 700);
  }

  // ---- In place

  const whole = node => node.nodeType === Node.ELEMENT_NODE && node.matches(".mark");
  const ours = node => node.nodeType === Node.ELEMENT_NODE && node.matches(".updates, .lost");
  const inner = node => [...node.childNodes].filter(child => !ours(child));

  // fits says whether a tree can become the other by changing values alone.
  function fits(a, b) {
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false;
    if (a.nodeType !== Node.ELEMENT_NODE || whole(a) && whole(b)) return true;
    for (const name of ["href", "action", "id", "name", "data-row", "data-kind", "data-live"]) {
      if (a.getAttribute(name) !== b.getAttribute(name)) return false;
    }
    if (a.matches("input, form[data-busy], form[data-busy] *") && a.getAttribute("value") !== b.getAttribute("value")) return false;
    if (a.matches("svg")) return a.innerHTML === b.innerHTML;
    const as = inner(a), bs = inner(b);
    return as.length === bs.length && as.every((child, i) => fits(child, bs[i]));
  }

  const kept = new Set(["hidden", "title", "disabled", "open", "data-said", "data-cut", "aria-disabled", "tabindex"]); // set by scripts, or by who reads

  function assign(a, b) {
    if (a.nodeType === Node.TEXT_NODE) {
      if (a.data !== b.data && !a.parentNode.matches("[data-age], [data-clock]")) a.data = b.data;
      return;
    }
    if (a.nodeType !== Node.ELEMENT_NODE || a.isEqualNode(b)) return;
    if (whole(a)) {
      a.replaceWith(b.cloneNode(true));
      return;
    }
    for (const { name, value } of b.attributes) {
      if (!kept.has(name) && a.getAttribute(name) !== value) a.setAttribute(name, value);
    }
    const as = inner(a), bs = inner(b);
    as.forEach((child, i) => assign(child, bs[i]));
  }

  lineboard.lose = lose;
  if (shown()) listen();
  watch();
})();
