// The stream. A visible page follows its conversation from the cursor that it was rendered at. A hidden page lets go, so
// that ten tabs never use up the browser's six connections; one hidden page keeps a stream of state alone, for the title.
const conversation = document.getElementById("conversation");
const status = document.getElementById("connection");
const words = document.body.dataset;
const SILENCE = 65_000; // three heartbeats without a sound: the connection is dead, whatever it says
const LEADER = `causerie-hidden-${words.me}`;

let cursor = conversation ? `${conversation.dataset.conversation}:${conversation.dataset.change}` : "";
let source = null;
let failures = 0;
let stopped = !words.me;
let heard = 0;
let timer = 0;
let letGoOfLock = null;

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));

function say(text) {
  if (status.textContent !== text) status.textContent = text;
  status.dataset.state = text ? "lost" : "open";
}

function open(stateOnly) {
  close();
  if (stopped) return;
  source = new EventSource(stateOnly || !cursor ? "/live" : `/live?after=${cursor}`);
  heard = Date.now();
  source.onopen = () => {
    failures = 0;
    heard = Date.now();
    clearTimeout(timer);
    say("");
    tell("open");
  };
  source.onerror = () => {
    timer ||= setTimeout(() => say(words.lost), 1500);
    // After an HTTP error a browser gives up for good; after a cut it comes back by itself, with its last id.
    if (source?.readyState === EventSource.CLOSED) comeBack(stateOnly);
  };
  source.addEventListener("message", (event) => {
    heard = Date.now();
    cursor = event.lastEventId || cursor;
    tell("message", event.data);
  });
  for (const name of ["sidebar", "conversation", "conversation-gone", "conversation-head"]) {
    source.addEventListener(name, (event) => tell(name, event.data));
  }
  source.addEventListener("ping", () => (heard = Date.now()));
  source.addEventListener("reset", () => tell("reset"));
  source.addEventListener("close", (event) => {
    stopped = true;
    close();
    say(event.data === "signed-out" ? words.signedOut : words.tooMany);
  });
}

function close() {
  clearTimeout(timer);
  timer = 0;
  source?.close();
  source = null;
}

async function comeBack(stateOnly) {
  close();
  if (!(await allowed())) return;
  failures += 1;
  const wait = Math.min(30_000, 1000 * 2 ** Math.min(failures, 5)) * (0.5 + Math.random());
  if (failures > 1) say(words.lost);
  timer = setTimeout(() => open(stateOnly), wait);
}

// Why was it refused? A program would read the status of the stream; a browser hides it, so the page is asked for.
async function allowed() {
  try {
    const where = conversation ? `/conversations/${conversation.dataset.conversation}` : "/me";
    const answer = await fetch(where, { headers: { accept: "application/json" }, cache: "no-store" });
    if (answer.status !== 401 && answer.status !== 404) return true;
    stopped = true;
    say(answer.status === 401 ? words.signedOut : words.gone);
    return false;
  } catch {
    return true; // no network: try again
  }
}

function hidden() {
  close();
  const waiting = new AbortController();
  letGoOfLock = () => waiting.abort();
  navigator.locks
    ?.request(LEADER, { signal: waiting.signal }, () => {
      open(true);
      return new Promise((release) => (letGoOfLock = release));
    })
    .catch(() => {}); // it became visible before its turn came
}

function visible() {
  letGoOfLock?.();
  letGoOfLock = null;
  open(false);
}

document.addEventListener("visibilitychange", () => (document.hidden ? hidden() : visible()));
document.addEventListener("live:reset", () => {
  stopped = true;
  close();
  const last = Number(sessionStorage.getItem("reset") || 0);
  sessionStorage.setItem("reset", Date.now());
  if (Date.now() - last > 10_000) location.reload(); // what is typed is kept as a draft
  else say(words.lost);
});
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && (document.hidden ? hidden() : visible()));
addEventListener("online", () => source?.readyState !== EventSource.OPEN && visible());
setInterval(() => {
  if (source && Date.now() - heard > SILENCE) open(document.hidden);
}, 10_000);

if (words.me) document.hidden ? hidden() : open(false);
