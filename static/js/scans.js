// Scans in a row. Each has its number, its place and its own answer, however fast they come and however late it is.
import { $, all, setText } from "./dom.js";
import { alarm, startAlarm } from "./alarm.js";
import { endsLine, newRecorder } from "./scan.js";

const answerMs = 10_000; // after which a scan counts as not checked
const maxCalm = 10; // answers in view that nobody has to acknowledge

/**
 * @param {(scan: any, signal: AbortSignal) => Promise<any>} ask
 * @param {(number: number) => { answer(answer: any): void, fail(): void }} place makes the place of a scan
 * @param {number} timeoutMs
 * @returns {(scan: any) => Promise<void>} takes the next scan
 */
export function newScans(ask, place, timeoutMs) {
  let number = 0;
  return async scan => {
    const entry = place(++number);
    const abort = new AbortController();
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => { abort.abort(); reject(new Error("no answer in time")); }, timeoutMs);
    });
    try {
      entry.answer(await Promise.race([ask(scan, abort.signal), late]));
    } catch {
      entry.fail();
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Takes what is scanned on the page for packs. */
export function startScans() {
  const form = $("form[data-scans]");
  if (!form) return;
  const field = $("[data-scan]", form);
  const list = $("#scans");
  const pause = $("[data-scan-pause]");
  const recorder = newRecorder();
  const takeScan = newScans((scan, signal) => askServer(form, scan, signal), number => addEntry(list, number), answerMs);
  let timer;
  let endsComposed = false; // an input method has the Enter after a scan for itself

  function take() {
    clearTimeout(timer);
    endsComposed = false;
    const seen = recorder.take();
    const code = field.value;
    field.value = "";
    if (code.trim()) takeScan({ code, ...seen });
  }

  document.addEventListener("keydown", event => {
    if (beginsScan(event)) field.focus();
    if (event.target !== field && document.activeElement !== field) return;
    const ends = event.key === "Enter" || (event.key === "Tab" && !event.shiftKey || endsLine(event)) && field.value;
    endsComposed = event.isComposing && /Enter$/.test(event.code);
    if (!ends) return recorder.press(event);
    event.preventDefault();
    take();
  });
  field.addEventListener("compositionend", () => { if (endsComposed) take(); });
  field.addEventListener("input", event => {
    recorder.change(event);
    clearTimeout(timer);
    if (Number(pause.value)) timer = setTimeout(take, Number(pause.value));
  });
  form.addEventListener("submit", event => {
    event.preventDefault();
    take();
    field.focus();
  });
  list.addEventListener("click", event => {
    const button = event.target.closest("[data-acknowledge]");
    if (!button) return;
    button.closest("li").remove();
    arrange(list);
    field.focus();
  });

  rememberPause(pause);
  startAlarm();
  all("li", list).forEach(markAnswer); // that the page came with
}

// beginsScan reports whether a key types a text that no field would take: a scanner does not know what has the focus.
function beginsScan(event) {
  const plain = !event.ctrlKey && !event.altKey && !event.metaKey || event.getModifierState("AltGraph");
  const typed = event.key.length === 1 && event.key !== " " && plain;
  return typed && !document.activeElement.closest("input, textarea, [contenteditable], dialog");
}

// rememberPause keeps how scans end on this device: that is a setting of its scanner.
function rememberPause(pause) {
  pause.value = localStorage.getItem("scan-pause") ?? "0";
  if (pause.selectedIndex < 0) pause.value = "0";
  pause.closest("[hidden]").hidden = false;
  pause.addEventListener("change", () => localStorage.setItem("scan-pause", pause.value));
}

async function askServer(form, scan, signal) {
  const address = new URL(form.action);
  address.search = new URLSearchParams({ line: form.elements.line.value, ...scan }).toString();
  const answer = await fetch(address, { signal, headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(`answered with ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const scanned = $(".scanned", page);
  if (!scanned) throw new Error("the answer has no result");
  return scanned;
}

// addEntry puts the place of a scan before those of earlier ones. What nobody has to acknowledge goes with time.
function addEntry(list, number) {
  const entry = $("#scan-entry").content.firstElementChild.cloneNode(true);
  const heading = $("h2", entry);
  setText(heading, heading.textContent.replace("{n}", String(number)));
  entry.dataset.number = String(number);
  list.prepend(entry);
  $("#no-scans")?.remove();
  arrange(list);
  for (const old of all("li:not(.pending, .bad)", list).slice(maxCalm)) old.remove();

  function show(answer) {
    $(".scanned", entry).replaceWith(answer);
    entry.classList.remove("pending");
    markAnswer(entry);
    if (entry.classList.contains("bad")) alarm();
    arrange(list);
  }
  return {
    answer: scanned => show(document.adoptNode(scanned)),
    fail: () => show($("#scan-not-checked").content.firstElementChild.cloneNode(true)),
  };
}

// markAnswer has a bad answer stay until it is acknowledged, and shows the test code to scan if it needs one.
function markAnswer(entry) {
  const isBad = Boolean($(".result[role=alert]", entry));
  entry.classList.toggle("bad", isBad);
  const button = $("[data-acknowledge]", entry);
  button.hidden = !isBad;
  if (isBad) $(".result", entry).after(button); // in reach, whatever else there is to say
  if ($("[data-needs-test]", entry)) $("details.test-code").open = true;
}

// arrange puts what nobody has to acknowledge below what somebody has to, but for the newest scan: otherwise good packs
// push a bad one out of view. Bad answers are not moved: a screen reader would say them again.
function arrange(list) {
  const calm = all("li:not(.pending, .bad)", list).filter(entry => entry !== list.firstElementChild);
  list.append(...calm.sort((a, b) => numberOf(b) - numberOf(a)));
  list.classList.toggle("has-bad", Boolean($(".bad", list)));
}

const numberOf = entry => Number(entry.dataset.number ?? 0); // 0: the page came with it
