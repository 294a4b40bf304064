// Shows what is pushed, and leads to it. It keeps nothing, and answers no request in place of the server.
const HOME = "/notifications";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

// Only to pages of ours, whatever was sent.
function ours(url) {
  try {
    const there = new URL(url, location.origin);
    return there.origin === location.origin ? there.href : location.origin + HOME;
  } catch {
    return location.origin + HOME;
  }
}

function read(data) {
  try {
    return data.json();
  } catch {
    return {};
  }
}

// WebKit takes the right to be told from a site of which three pushes showed nothing, whatever else is on the screen. The
// others let a push show nothing while a page of the site is seen.
const mustShow = () => /AppleWebKit/.test(navigator.userAgent) && !/Chrom/.test(navigator.userAgent);

const SOON = 300; // to say so: what is shown twice is better than what nobody tells

// What it says itself: it may have given way to others, have lost its stream, or never have had one (/docs).
const tells = (page) =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data === true);
    setTimeout(() => resolve(false), SOON);
    page.postMessage("live?", [port2]);
  });

// A page that is open but lies behind another one tells nobody anything.
async function isTold() {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const answers = await Promise.all(pages.filter((page) => page.visibilityState === "visible").map(tells));
  return answers.includes(true);
}

async function show({ title, body = "", tag, about, lang, icon, url, on_page: onPage }) {
  if (onPage && !mustShow() && (await isTold())) return;
  // What comes twice takes its own place without a sound; what has grown since sounds again.
  const before = tag ? await registration.getNotifications({ tag }) : [];
  await registration.showNotification(title || "Causerie", {
    body,
    tag,
    lang,
    icon,
    dir: "auto",
    renotify: Boolean(tag) && before.some((each) => each.data?.about !== about),
    data: { about, url: ours(url ?? HOME) },
  });
}

async function open(url) {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((each) => each.url === url) ?? pages[0];
  if (!page) return clients.openWindow(url);
  await page.focus().catch(() => {}); // not every browser lets us to the front
  if (page.url === url) return page;
  return page.navigate(url).catch(() => clients.openWindow(url)); // a page of before this worker cannot be led
}

// The browser gave itself another address: it is told under that one, if somebody is still signed in.
async function resubscribe({ oldSubscription, newSubscription }) {
  const options = oldSubscription?.options;
  const fresh = newSubscription ?? (options && (await registration.pushManager.subscribe(options)));
  if (!fresh) return;
  const answer = await fetch("/me/push-subscriptions", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(fresh),
  });
  if (answer.status === 401) await fresh.unsubscribe();
}

addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(ours(event.notification.data?.url ?? HOME)));
});
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(resubscribe(event)));
