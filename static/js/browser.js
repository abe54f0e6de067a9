// The browsers that Lineboard supports have cascade layers. An older one gets the page without its style and scripts but
// old.js. There every form works, and a word says so.

/** @returns {boolean} whether the style and the scripts of the page work here */
export const isSupported = () => "CSSLayerBlockRule" in window;
