// The browsers that Lineboard supports have cascade layers: Chrome and WebView 99, Safari 15.4, Firefox 97. An older one gets
// the page without its style and scripts. There every form works, and a word says so.
import { all } from "./dom.js";

/** @returns {boolean} whether the style and the scripts of the page work here */
export const isSupported = () => "CSSLayerBlockRule" in window;

/** Leaves the page to the browser alone. */
export function standAside() {
  document.documentElement.classList.add("old-browser");
  for (const element of all("[hx-get], [hx-post]")) {
    element.removeAttribute("hx-get");
    element.removeAttribute("hx-post");
  }
}
