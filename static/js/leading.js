// One of the hidden tabs of a browser leads. Where the browser has locks it hands them on, also when a tab crashes. On
// plain http, outside localhost, it has none: there a lease in the storage that the tabs share is renewed by who leads.
const BEAT = 10_000;
// Timers of tabs that have been hidden for long run once a minute (Chromium): two of them may be missed.
const LASTS = 150_000;
const SETTLED = 1000; // of two who take it at once, both see by then who was last

// `lead` is called when its turn comes, and `lose` should another one have it then. What it gives steps down.
export const stand = (name, lead, lose) => (navigator.locks ? byLock(name, lead) : byLease(name, lead, lose));

function byLock(name, lead) {
  const waiting = new AbortController();
  let letGo = () => waiting.abort();
  navigator.locks
    .request(name, { signal: waiting.signal }, () => {
      if (waiting.signal.aborted) return undefined; // it stepped down after its turn had come
      lead();
      return new Promise((release) => (letGo = release));
    })
    .catch(() => {}); // it stepped down before its turn came
  return () => letGo();
}

function byLease(name, lead, lose) {
  const me = String(Math.random());
  let leading = false;
  let taken = 0;
  let settling = 0;

  function owner() {
    const [whose, end] = (localStorage.getItem(name) ?? "").split(" ");
    const left = end - Date.now();
    return left > 0 && left <= LASTS ? whose : ""; // longer only when the clock was put back
  }

  function beat() {
    try {
      const whose = owner();
      if (whose && whose !== me) {
        if (leading) lose(); // it slept for longer than the lease lasts
        leading = false;
        return;
      }
      if (whose && !leading && Date.now() - taken < SETTLED) return;
      localStorage.setItem(name, `${me} ${Date.now() + LASTS}`);
      if (leading) return;
      leading = Boolean(whose);
      if (leading) return lead();
      taken = Date.now();
      settling = setTimeout(beat, SETTLED + 50);
    } catch {
      // Nothing may be kept in this browser: none of its hidden tabs leads.
    }
  }

  // Whoever steps down is followed at once.
  const changed = ({ key, newValue }) => key === name && (leading || !newValue) && beat();
  addEventListener("storage", changed);
  const beating = setInterval(beat, BEAT);
  beat();
  return () => {
    clearInterval(beating);
    clearTimeout(settling);
    removeEventListener("storage", changed);
    try {
      if (owner() === me) localStorage.removeItem(name);
    } catch {
      // as above
    }
  };
}
