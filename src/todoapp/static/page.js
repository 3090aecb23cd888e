// The page is complete without this script. It adds the visitor's own time zone, a countdown that needs no
// reload, and news from /api/cache, which is never an access.
"use strict";

const POLL_MS = 15000;
const LAST_DATE = Date.UTC(9999, 11, 31); // what the server shows of a TTL that ends later

const metadata = document.getElementById("metadata");
const picture = document.getElementById("picture");
const life = document.getElementById("life");
const bar = life.querySelector("progress");
const countdown = document.getElementById("countdown");
const next = document.getElementById("next");

const words = JSON.parse(metadata.dataset.words);
const nexts = JSON.parse(life.dataset.next);
const values = Object.fromEntries(
  [...metadata.querySelectorAll("div")].map((row) => [
    row.querySelector("dt").textContent,
    row.querySelector("dd"),
  ]),
);

// The server's clock counts: a visitor's may be wrong. Not performance.now(), which may stand still while the
// machine sleeps.
const ahead = Date.parse(life.dataset.now) - Date.now();
const now = () => (Date.now() + ahead) / 1000;

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

// Where it has to be broken, then between day and time.
const local = (date) =>
  [day, clock].map((format) => format.format(date).replaceAll(" ", "\u00a0")).join(" ");

const toDate = (moment) => new Date(Math.min(Math.floor(moment * 1000), LAST_DATE));

function showTime(place, moment) {
  if (moment === null) {
    place.textContent = "–";
    return;
  }
  const date = toDate(moment);
  const time = document.createElement("time");
  time.dateTime = date.toISOString();
  time.title = date.toUTCString();
  time.textContent = local(date);
  place.replaceChildren(time);
}

function readTime(place) {
  const time = place.querySelector("time");
  return time ? Date.parse(time.dateTime) / 1000 : null;
}

let expires = readTime(values["Image Expiry time"]);
let status = metadata.dataset.status;

function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function showStatus(fresh) {
  status = fresh;
  metadata.dataset.status = fresh;
  setText(values.Status, words[fresh]);
  setText(next, nexts[fresh]);
}

function duration(seconds) {
  const [minutes, hours] = [Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  const parts = hours ? [hours, String(minutes).padStart(2, "0")] : [minutes];
  return [...parts, String(seconds % 60).padStart(2, "0")].join(":");
}

function showCountdown() {
  const left = expires === null ? 0 : Math.max(expires - now(), 0);
  bar.value = Math.min(left, bar.max);
  const over = status === "valid" && left === 0;
  if (over) showStatus("expired");
  setText(countdown, status === "valid" ? `Valid for another ${duration(Math.ceil(left))}.` : "");
  return over;
}

function showState(state) {
  expires = state.expires_at;
  bar.max = state.ttl;
  showTime(values["Image Download time"], state.downloaded_at);
  showTime(values["Image Expiry time"], state.expires_at);
  showTime(values["Last Site Access"], state.last_access_at);
  setText(values["Site Access count"], String(state.access_count));
  setText(values["Image Access count"], String(state.image_access_count));
  if (state.image) {
    const source = `/image?v=${state.image.sha256.slice(0, 16)}`;
    if (picture.getAttribute("src") !== source) picture.src = source;
    picture.alt = `Picture of the moment, downloaded ${local(toDate(state.downloaded_at))}`;
  }
  showStatus(state.status);
  showCountdown();
}

async function poll() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/api/cache", { cache: "no-store" });
    if (answer.ok) showState(await answer.json());
  } catch {
    // The app is away for a moment: what is shown stays, and the next poll tries again.
  }
}

for (const label of ["Image Download time", "Image Expiry time", "Last Site Access"]) {
  showTime(values[label], readTime(values[label]));
}
showCountdown();
setInterval(() => {
  if (showCountdown()) poll(); // others may have been here since: perhaps the grace view is spent
}, 1000);
setInterval(poll, POLL_MS);
document.addEventListener("visibilitychange", poll);
