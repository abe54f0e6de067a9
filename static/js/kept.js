// What the service worker keeps of the pages that were seen.

/**
 * @param {string} path
 * @param {string} query
 * @returns {boolean} whether a copy of this page may be kept: boards and orders, but nothing that is armed
 */
export const mayKeep = (path, query) =>
  /^\/(lines\/.+|orders\/\d+(\/serials)?)?$/.test(path) && !query.includes("arm=");

/**
 * @param {string} path
 * @returns {boolean} whether a request to it means that somebody comes or goes
 */
export const changesReader = path =>
  ["/login", "/logout", "/tenant"].includes(path) || path.startsWith("/station");

const maxAgeMs = 12 * 60 * 60 * 1000; // as long as a sign-in lasts at most

/**
 * @param {number} age of a copy in ms
 * @returns {boolean} whether it must be deleted
 */
export const isTooOld = age => !(age >= 0 && age < maxAgeMs);

/**
 * Makes a kept page say that it is a copy, and how old. One of a station lasts until the station would have been locked:
 * without the server nobody can say that it was used since.
 * @param {string} page its HTML
 * @param {number} age in ms
 * @returns {string | null} the HTML of the copy, or null once it must not be shown any more
 */
export function asCopy(page, age) {
  if (isTooOld(age)) return null;
  const lock = /data-lock-in="(\d+)"/.exec(page);
  if (lock && !(age >= 0 && age < Number(lock[1]))) return null;
  return (lock ? page.replace(lock[0], `data-lock-in="${Number(lock[1]) - age}"`) : page)
    .replace("<html ", `<html data-copy-age="${age}" `)
    .replace('id="copy" hidden', 'id="copy"');
}
