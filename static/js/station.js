// At a station: keys for a PIN, and the lock when nobody uses it. When it locks is the server's word, and what it locks
// it gives to nobody. This only covers what the page shows already.
import { $, all, announce, isInView, setText } from "./dom.js";

const usedEveryMs = 10_000; // between two words to the server that the station is used

/** Shows the keys for a PIN where a finger would otherwise call the browser's own. */
export function startKeys() {
  showKeys(document);
  document.addEventListener("htmx:afterSwap", event => showKeys(event.detail.target));
  document.addEventListener("click", event => {
    const key = event.target.closest?.("[data-key]");
    if (key) pressKey(key);
  });
}

// Firefox before 98 has no modal dialogs. There the style sheet covers the page: see station.css.
const isOpen = dialog => dialog.hasAttribute("open");
const open = dialog => dialog.showModal ? dialog.showModal() : dialog.setAttribute("open", "");
const close = dialog => dialog.close ? dialog.close() : dialog.removeAttribute("open");

function showKeys(root) {
  for (const keys of all(".digits[hidden]", root)) {
    keys.hidden = false;
    $("[data-pad]", keys.parentElement).inputMode = "none"; // the browser's own keys would cover these
  }
}

function pressKey(key) {
  const field = $("[data-pad]", key.form);
  field.value = typed(field.value, key.dataset.key);
  field.focus();
}

/**
 * @param {string} value of the field
 * @param {string} key a digit, or "" for the key that takes the last one away
 * @returns {string} the value after the key
 */
export const typed = (value, key) => key ? value + key : value.slice(0, -1);

/** Locks the page when its station has not been used for a while. */
export function startLock() {
  const warning = $("#idle");
  const lock = $("#lock");
  if (!warning || !lock) return;
  const warnMs = Number(warning.dataset.warn);
  let lockAt = performance.now() + Number(warning.dataset.lockIn);
  let usedAt = performance.now();
  let timer;

  async function askServer(method) {
    const url = method === "POST" ? warning.dataset.used : warning.dataset.idle;
    try {
      const answer = await fetch(url, { method, headers: { Accept: "application/json" } });
      if (answer.status === 423) return showLock();
      if (answer.redirected || !answer.ok) return location.reload(); // signed out
      lockAt = performance.now() + 1000 * (await answer.json()).left;
    } catch {
      if (lockAt <= performance.now()) return showLock(); // the server is away: its last word counts
    }
    watchTime();
  }

  function watchTime() {
    clearTimeout(timer);
    if (isOpen(lock)) return;
    const left = lockAt - performance.now();
    const isLate = left <= warnMs;
    setText($("[data-left]", warning), String(Math.max(0, Math.ceil(left / 1000))));
    if (isLate === warning.hidden) announce(isLate ? $("#idle-words").textContent : "");
    warning.hidden = !isLate;
    if (left <= 0) askServer("GET");
    else if (isLate) timer = setTimeout(watchTime, 250);
    else timer = setTimeout(() => askServer("GET"), left - warnMs + 50); // another window may have been used
  }

  function reportUse() {
    if (isOpen(lock) || warning.hidden && performance.now() - usedAt < usedEveryMs) return;
    usedAt = performance.now();
    askServer("POST");
  }

  function showLock() {
    clearTimeout(timer);
    warning.hidden = true;
    document.documentElement.classList.add("locked");
    if (!isOpen(lock)) open(lock);
  }

  function unlock() {
    document.documentElement.classList.remove("locked");
    close(lock);
    $("[data-pad]", lock).value = "";
    $(".problem", lock)?.remove();
    askServer("GET");
  }

  watchTime();
  addEventListener("pointerdown", () => { if (warning.hidden) reportUse(); }, true);
  addEventListener("keydown", reportUse, true);
  warning.addEventListener("click", reportUse); // it lies over the page: the touch that puts it away presses nothing else
  document.addEventListener("visibilitychange", () => { if (isInView() && !isOpen(lock)) askServer("GET"); });

  // A second Escape would close it whatever "cancel" says, and what is typed until it is open again would be lost.
  lock.addEventListener("keydown", event => { if (event.key === "Escape") event.preventDefault(); });
  lock.addEventListener("cancel", event => event.preventDefault());
  lock.addEventListener("close", () => {
    if (document.documentElement.classList.contains("locked")) open(lock);
  });
  document.addEventListener("unlocked", unlock);
  for (const form of all("[data-lock-now]")) {
    form.addEventListener("submit", async event => {
      event.preventDefault();
      showLock();
      try {
        await fetch(warning.dataset.lock, { method: "POST", redirect: "manual", keepalive: true });
      } catch { /* time will lock it */ }
    });
  }

  document.addEventListener("htmx:beforeRequest", event => {
    if (isOpen(lock) && !lock.contains(event.target)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeOnLoad", event => {
    if (event.detail.xhr.status !== 423) return;
    event.preventDefault();
    showLock();
  });
}
