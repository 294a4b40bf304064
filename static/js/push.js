// Whether this device is told while no page is open: asked for on the page of settings, and taken back when nobody is
// signed in any more. The service worker (sw.js) is there only for those who want it.
const me = document.body.dataset.me;
const can = isSecureContext && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const HERE = "/me/push-subscriptions";

const registered = () => navigator.serviceWorker.getRegistration("/");
const subscribed = async () => (await registered())?.pushManager.getSubscription();

// The server sends nothing any more in any case.
async function forget() {
  try {
    await (await subscribed())?.unsubscribe();
  } catch (error) {
    console.warn(error);
  }
}

const bytes = (key) => Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const isFor = (subscription, key) => String(new Uint8Array(subscription.options.applicationServerKey ?? [])) === String(key);

async function ready() {
  const registration = await navigator.serviceWorker.register("/sw.js", { scope: "/" });
  await navigator.serviceWorker.ready;
  return registration;
}

// Gives what to say when it does not work, in a word of the section's.
async function add(section) {
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const key = bytes(section.dataset.key);
  let subscription;
  try {
    const { pushManager } = await ready();
    const old = await pushManager.getSubscription();
    if (old && !isFor(old, key)) await old.unsubscribe();
    subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch {
    return "unreachable";
  }
  const answer = await fetch(HERE, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(subscription),
  });
  if (answer.ok) return "";
  await subscription.unsubscribe();
  const problem = await answer.json();
  throw new Error(Object.values(problem.errors ?? {})[0] ?? problem.detail ?? problem.title);
}

async function again(section) {
  const answer = await fetch(HERE, { headers: { accept: "text/html", "hx-request": "true" } });
  const made = document.createElement("template");
  made.innerHTML = await answer.text();
  const fresh = made.content.querySelector("#push");
  if (!answer.ok || !fresh) return location.reload();
  section.replaceWith(fresh);
  show(fresh);
  fresh.focus();
}

async function show(section) {
  const said = section.querySelector(".push-said");
  const button = section.querySelector(".push-add");
  const say = (what) => (said.textContent = section.dataset[what] ?? what);
  if (!can) return say(isSecureContext ? "cannot" : "insecure");
  const current = section.querySelector("[data-current]");
  const there = await subscribed().catch(() => null);
  if (current && there && Notification.permission === "granted" && isFor(there, bytes(section.dataset.key))) return say("on");
  if (!current) await forget(); // it was removed here or elsewhere
  if (Notification.permission === "denied") say("denied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "";
    try {
      const why = await add(section);
      if (!why) return again(section);
      say(why);
    } catch (error) {
      say(error instanceof TypeError ? "failed" : error.message);
    }
    button.disabled = false;
  });
}

const section = document.getElementById("push");
if (section) show(section);
else if (!me && can) forget();
