// The parts of a page that follow what changes: each names its topics, its address, and the version that it shows.
import { $, all } from "./dom.js";

/** @returns {HTMLElement[]} every part of the page */
export const parts = () => all("[data-live]");

/**
 * @param {HTMLElement} part
 * @returns {string[]} what the part shows, such as "line:3"
 */
export const topicsOf = part => part.dataset.topics.split(" ");

/**
 * @param {HTMLElement} part
 * @returns {string} the address that answers with the part as it is now, armed or not
 */
export function addressOf(part) {
  const armed = $(".armed", part);
  return part.dataset.live + (armed ? `?arm=${armed.dataset.arm ?? 1}` : "");
}

/**
 * @param {HTMLElement} part
 * @returns {boolean} whether a press in it has no answer yet
 */
export const isBusy = part => Boolean($("form.sent:not(.stranded)", part));

/**
 * @param {string[]} topics
 * @param {Map<string, number>} versions by topic
 * @returns {number | null} the newest version of these topics, or null while one of them is unknown
 */
export function newestVersion(topics, versions) {
  if (!topics.every(topic => versions.has(topic))) return null;
  return Math.max(...topics.map(topic => versions.get(topic)));
}
