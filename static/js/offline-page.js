// The page that stands in for one that can't be loaded: it comes back by itself when the server does.
import { $, address } from "./dom.js";

const askMs = 3000; // between two questions, and how long an answer may take

/** Asks for the server from the page that stands in for others, and loads the page again when it answers. */
export function startOfflinePage() {
  if ($("#offline")) setTimeout(ask, askMs);
}

async function ask() {
  const limit = new AbortController();
  setTimeout(() => limit.abort(), askMs);
  try {
    const answer = await fetch(address("/healthz"), { cache: "no-store", signal: limit.signal });
    if (answer.ok) return location.reload();
  } catch { /* it is still away */ }
  setTimeout(ask, askMs);
}
