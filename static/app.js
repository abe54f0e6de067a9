// Pages work without scripts, which only make them smooth. What a page says comes from its markup, never from here.
// static.go joins this file and all that it imports into one script.
import { startAlarms } from "./js/alarms.js";
import { isSupported } from "./js/browser.js";
import { proposeZone, startClock } from "./js/clock.js";
import { startCopies } from "./js/copies.js";
import { startCopying } from "./js/copy.js";
import { startDates } from "./js/dates.js";
import { startFilters } from "./js/filters.js";
import { startLive } from "./js/live.js";
import { startDisabledLinks } from "./js/offline.js";
import { startMenus } from "./js/menus.js";
import { startOfflinePage } from "./js/offline-page.js";
import { startPresses } from "./js/press.js";
import { startScanning } from "./js/scan.js";
import { startScans } from "./js/scans.js";
import { startKeys, startLock } from "./js/station.js";
import { startSwaps } from "./js/swap.js";
import { startWall } from "./js/wall.js";

if (isSupported()) {
  startClock();
  proposeZone();
  startCopying();
  startPresses();
  startSwaps();
  startKeys();
  startScanning();
  startScans();
  startLock();
  startDisabledLinks();
  startDates();
  startFilters();
  startLive();
  startMenus();
  startCopies();
  startAlarms();
  startWall();
  startOfflinePage();
}
