// The stream. A visible page follows its conversation from the cursor that it was rendered at. A hidden page lets go, so
// that ten tabs never use up the browser's six connections; one hidden page keeps a stream of state alone, for the title.
import { stand } from "./leading.js";

const conversation = document.getElementById("conversation");
const status = document.getElementById("connection");
const words = document.body.dataset;
// Three heartbeats without a sound, and some seconds: the connection is dead, whatever it says.
const SILENCE = Math.max(65_000, 3000 * words.heartbeat + 5000 || 0);
// A hidden page that had to give way to others comes back after this. Sooner, the hidden pages of two browsers would take
// turns in closing each other, and the pages that someone looks at.
const GIVES_WAY = 300_000;
const LEADER = `causerie-hidden-${words.me}`;

let cursor = conversation ? `${conversation.dataset.conversation}:${conversation.dataset.change}` : "";
let source = null;
let failures = 0;
let stopped = !words.me;
let leaving = false;
let heard = 0;
let timer = 0; // to come back
let telling = 0; // to say that it is lost: not at every hiccup
let stepDown = null; // from being the hidden page that keeps its stream, or waiting for it
let later = 0; // to stand for it again
let gaveWay = false;

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));

function say(text) {
  if (status.textContent !== text) status.textContent = text;
  status.dataset.state = text ? "lost" : "open";
}

// Not connected any more, and not to come back until someone looks at the page again. Another one keeps the title true.
function stop(text) {
  retire();
  halt(text);
}

function halt(text) {
  stopped = true;
  close();
  clearTimeout(telling);
  telling = 0;
  say(text);
}

// It goes on leading until it comes back: whoever followed at once would close the oldest of the others, and so on.
function giveWay() {
  halt(words.tooMany);
  gaveWay = true;
  if (document.hidden) later = setTimeout(standAgain, GIVES_WAY);
}

function standAgain() {
  gaveWay = false;
  stopped = !words.me;
  hidden();
}

function retire() {
  clearTimeout(later);
  stepDown?.();
  stepDown = null;
}

function open(stateOnly) {
  close();
  if (stopped) return;
  source = new EventSource(stateOnly || !cursor ? "/live" : `/live?after=${cursor}`);
  heard = Date.now();
  source.onopen = () => {
    failures = 0;
    heard = Date.now();
    clearTimeout(telling);
    telling = 0;
    say("");
    tell("open");
  };
  source.onerror = () => {
    telling ||= setTimeout(() => say(words.lost), 1500);
    // After an HTTP error a browser gives up for good; after a cut it comes back by itself, with its last id.
    if (source?.readyState === EventSource.CLOSED) comeBack(source, stateOnly);
  };
  source.addEventListener("message", (event) => {
    heard = Date.now();
    cursor = event.lastEventId || cursor;
    tell("message", event.data);
  });
  for (const name of ["sidebar", "conversation", "conversation-gone", "conversation-archived", "conversation-head", "typing", "presence", "presences", "receipt", "renamed", "notification", "export"]) {
    source.addEventListener(name, (event) => tell(name, event.data));
  }
  source.addEventListener("ping", () => (heard = Date.now()));
  source.addEventListener("reset", () => tell("reset"));
  source.addEventListener("close", (event) => (event.data === "signed-out" ? stop(words.signedOut) : giveWay()));
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

async function comeBack(refused, stateOnly) {
  failures += 1;
  const why = await whyRefused();
  if (source !== refused) return; // the page was shown, hidden or left meanwhile
  if (why) return stop(why);
  const wait = Math.min(30_000, 1000 * 2 ** Math.min(failures, 5)) * (0.5 + Math.random());
  timer = setTimeout(() => open(stateOnly), wait);
}

// A program would read the status of the stream; a browser hides it, so the page is asked for. Empty: to be tried again.
async function whyRefused() {
  try {
    const where = conversation ? `/conversations/${conversation.dataset.conversation}` : "/me";
    const answer = await fetch(where, { headers: { accept: "application/json" }, cache: "no-store" });
    return answer.status === 401 ? words.signedOut : answer.status === 404 ? words.gone : "";
  } catch {
    return ""; // no network
  }
}

function hidden() {
  close();
  retire();
  if (leaving) return;
  if (gaveWay) later = setTimeout(standAgain, GIVES_WAY);
  else if (!stopped) stepDown = stand(LEADER, () => open(true), close);
}

// Whoever looks at a page wants it to be right, whatever ended its stream before: the server says so if it still holds.
function visible() {
  retire();
  gaveWay = false;
  stopped = !words.me;
  open(false);
}

// Not before every script of the page has run: what comes earlier would find nobody who listens for it, and be lost.
let ready = false;
const asItIs = () => leaving || !ready || (document.hidden ? hidden() : visible());

document.addEventListener("visibilitychange", asItIs);
document.addEventListener("live:reset", () => {
  stop(words.lost);
  // What is typed is kept as a draft. Not again and again: a page that is reset as soon as it is loaded waits.
  const last = Number(sessionStorage.getItem("reset") || 0);
  const wait = last + 10_000 - Date.now();
  setTimeout(() => {
    sessionStorage.setItem("reset", Date.now());
    location.reload();
  }, Math.max(0, wait));
});
// Put back into the conversation that is open here: what was missed comes from the cursor on.
document.addEventListener("live:back", () => document.hidden || visible());
// A page that is left may be kept to come back to, and holds nothing until then.
addEventListener("pagehide", () => {
  leaving = true;
  hidden();
});
addEventListener("pageshow", (event) => {
  leaving = false;
  if (event.persisted) asItIs();
});
// The service worker asks before it keeps to itself what is pushed, as this page tells of it.
navigator.serviceWorker?.addEventListener("message", ({ data, ports }) => {
  if (data === "live?") ports[0].postMessage(source?.readyState === EventSource.OPEN);
});
addEventListener("online", () => source && source.readyState !== EventSource.OPEN && open(document.hidden));
setInterval(() => {
  if (source && Date.now() - heard > SILENCE) open(document.hidden);
}, 10_000);

document.addEventListener("DOMContentLoaded", () => {
  ready = Boolean(words.me);
  if (ready) asItIs();
});
