// Microsoft's own clients for Node, pointed at the stand-in: msal-node signs in, microsoft-graph-client asks.
// Only the addresses are changed.

import assert from "node:assert/strict";
import { createServer } from "node:http";

import { ConfidentialClientApplication, CryptoProvider } from "@azure/msal-node";
import graph from "@microsoft/microsoft-graph-client";

import { answerTo, heard, say } from "./talk.mjs";

const { BatchRequestContent, BatchResponseContent, Client, GraphError, PageIterator } = graph;
const SCOPES = ["User.Read", "Calendars.ReadWrite", "offline_access"];
const PROPERTY = "String {11111111-2222-3333-4444-555555555555} Name key";
const WINDOW = { startDateTime: "2026-12-01T00:00:00Z", endDateTime: "2027-01-01T00:00:00Z" };

const { url, id, secret, back, ana, ben } = await heard();
const app = new ConfidentialClientApplication({
  auth: {
    clientId: id,
    clientSecret: secret,
    authority: `${url}/common`,
    knownAuthorities: [new URL(url).host],
  },
});
const account = await signedIn();
const client = Client.initWithMiddleware({
  baseUrl: `${url}/`,
  customHosts: new Set([new URL(url).hostname]),
  authProvider: {
    getAccessToken: async () => (await app.acquireTokenSilent({ account, scopes: SCOPES })).accessToken,
  },
});

await calendars();
await events();
await refusals();
await series();
await pages();
await deltas();
await subscriptions();
await batches();
await schedules();
await renewed();
say({ done: true });
process.exit(0);

async function signedIn() {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const address = await app.getAuthCodeUrl({
    scopes: SCOPES,
    redirectUri: back,
    codeChallenge: challenge,
    codeChallengeMethod: "S256",
  });
  const { code } = await answerTo({ address });
  const told = await app.acquireTokenByCode({ code, scopes: SCOPES, redirectUri: back, codeVerifier: verifier });
  assert.equal(told.account.username, ana);
  assert.equal(told.fromCache, false);
  return told.account;
}

async function calendars() {
  const me = await client.api("/me").select(["displayName", "mail"]).get();
  assert.equal(me.mail, ana);
  const made = await client.api("/me/calendars").post({ name: "Desk", color: "lightBlue" });
  await client.api(`/me/calendars/${made.id}`).patch({ name: "Counter" });
  const { value } = await client.api("/me/calendars").orderby("name").get();
  assert.deepEqual(value.map((one) => [one.name, one.isDefaultCalendar, one.canEdit]), [
    ["Calendar", true, true],
    ["Counter", false, true],
  ]);
  await client.api(`/me/calendars/${made.id}`).delete();
}

function timed(subject, day, hour, more = {}) {
  const two = (number) => String(number).padStart(2, "0");
  const at = (h) => ({ dateTime: `2026-12-${two(day)}T${two(h)}:00:00`, timeZone: "UTC" });
  return { subject, start: at(hour), end: at(hour + 1), ...more };
}

async function events() {
  const body = timed("Visit", 1, 10, {
    body: { contentType: "html", content: "<p>Please <b>ring</b></p>" },
    location: { displayName: "Hall" },
    transactionId: "visit-1",
    singleValueExtendedProperties: [{ id: PROPERTY, value: "k1" }],
  });
  const made = await client.api("/me/events").header("Prefer", 'outlook.timezone="Pacific Standard Time"').post(body);
  assert.equal(made.start.dateTime, "2026-12-01T02:00:00.0000000");
  assert.equal(made.start.timeZone, "Pacific Standard Time");
  assert.match(made.body.content, /^<html>[^]*<b>ring<\/b>/);
  const again = await client.api("/me/events").post(body);
  assert.equal(again.id, made.id, "the same transaction makes one event");
  const { value: found } = await client
    .api("/me/events")
    .filter(`singleValueExtendedProperties/Any(ep: ep/id eq '${PROPERTY}' and ep/value eq 'k1')`)
    .expand(`singleValueExtendedProperties($filter=id eq '${PROPERTY}')`)
    .get();
  assert.deepEqual(found.map((one) => one.singleValueExtendedProperties[0].value), ["k1"]);
  const changed = await client.api(`/me/events/${made.id}`).patch({ subject: "Later" });
  assert.notEqual(changed.changeKey, made.changeKey);
  const plain = await client.api(`/me/events/${made.id}`).header("Prefer", 'outlook.body-content-type="text"').get();
  assert.equal(plain.body.contentType, "text");
  assert.equal(plain.body.content.trim(), "Please ring");
  await client.api(`/me/events/${made.id}`).delete();
}

async function refusals() {
  await assert.rejects(client.api("/me/events/AAMkAGI0").get(), (error) => {
    assert.ok(error instanceof GraphError);
    assert.equal(error.statusCode, 400);
    assert.equal(error.code, "ErrorInvalidIdMalformed");
    assert.ok(error.requestId);
    assert.ok(error.date instanceof Date && !Number.isNaN(error.date.getTime()));
    return true;
  });
}

async function series() {
  const daily = await client.api("/me/events").post(
    timed("Daily", 2, 9, {
      recurrence: {
        pattern: { type: "daily", interval: 1 },
        range: { type: "numbered", startDate: "2026-12-02", numberOfOccurrences: 5 },
      },
    }),
  );
  assert.equal(daily.type, "seriesMaster");
  const { value } = await client.api(`/me/events/${daily.id}/instances`).query(WINDOW).top(10).get();
  assert.equal(value.length, 5);
  await client.api(`/me/events/${value[1].id}`).patch({ subject: "Moved", ...timed("Moved", 3, 14) });
  await client.api(`/me/events/${value[2].id}`).delete();
  const { value: seen } = await client.api("/me/calendarView").query(WINDOW).orderby("start/dateTime").get();
  assert.deepEqual(
    seen.map((one) => [one.start.dateTime.slice(8, 13), one.type]),
    [["02T09", "occurrence"], ["03T14", "exception"], ["05T09", "occurrence"], ["06T09", "occurrence"]],
  );
}

async function pages() {
  for (let day = 7; day < 20; day += 1) {
    await client.api("/me/events").post(timed(`Day ${day}`, day, 12));
  }
  const first = await client.api("/me/calendarView").query(WINDOW).select("subject,start").top(4).get();
  assert.equal(first.value.length, 4);
  const seen = [];
  const iterator = new PageIterator(client, first, (one) => seen.push(one.subject) > 0);
  await iterator.iterate();
  assert.ok(iterator.isComplete());
  assert.equal(seen.length, 17);
  assert.equal(Number(await client.api("/me/events/$count").get()), 14);
}

async function deltas() {
  const headers = { Prefer: 'odata.maxpagesize=5, IdType="ImmutableId"' };
  let { found, link } = await round(`/me/calendarView/delta?${new URLSearchParams(WINDOW)}`, headers);
  assert.equal(found.length, 18, "a master of a series and seventeen events");
  ({ found, link } = await round(link, headers));
  assert.deepEqual(found, []);
  const days = client.api("/me/events").headers(headers).filter("startswith(subject, 'Day')").top(2);
  const [gone, kept] = (await days.get()).value;
  await client.api(`/me/events/${gone.id}`).delete();
  await client.api(`/me/events/${kept.id}`).headers(headers).patch({ subject: "Renamed" });
  ({ found, link } = await round(link, headers));
  assert.deepEqual(
    found.map((one) => one["@removed"]?.reason ?? one.subject).sort(),
    ["Renamed", "deleted"],
  );
  assert.ok(link);
}

async function round(link, headers) {
  const found = [];
  const first = await client.api(link).headers(headers).get();
  const iterator = new PageIterator(client, first, (one) => found.push(one) > 0, { headers });
  await iterator.iterate();
  return { found, link: iterator.getDeltaLink() };
}

async function subscriptions() {
  const hook = await listening();
  const made = await client.api("/subscriptions").post({
    changeType: "created,updated,deleted",
    notificationUrl: `${hook.address}/changes`,
    lifecycleNotificationUrl: `${hook.address}/lifecycle`,
    resource: "me/events",
    expirationDateTime: hence(2),
    clientState: "only we know",
  });
  assert.deepEqual(hook.proven, ["/changes", "/lifecycle"]);
  await client.api("/me/events").post(timed("Told", 20, 8));
  const { value } = await hook.posted;
  assert.deepEqual(
    value.map((one) => [one.subscriptionId, one.clientState, one.changeType]),
    [[made.id, "only we know", "created"]],
  );
  const told = await client.api(`/me/events/${value[0].resourceData.id}`).get();
  assert.equal(told.subject, "Told");
  const until = hence(4);
  const renewed = await client.api(`/subscriptions/${made.id}`).patch({ expirationDateTime: until });
  assert.equal(renewed.expirationDateTime.slice(0, 19), until.slice(0, 19));
  await client.api(`/subscriptions/${made.id}/reauthorize`).post({});
  assert.equal((await client.api("/subscriptions").get()).value.length, 1);
  await client.api(`/subscriptions/${made.id}`).delete();
  assert.equal((await client.api("/subscriptions").get()).value.length, 0);
  hook.close();
}

function hence(days) {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}

async function listening() {
  const proven = [];
  let tell;
  const posted = new Promise((resolve) => (tell = resolve));
  const server = createServer((request, answer) => {
    const { pathname, searchParams } = new URL(request.url, "http://here");
    const token = searchParams.get("validationToken");
    if (token) {
      proven.push(pathname);
      answer.writeHead(200, { "Content-Type": "text/plain" }).end(token);
      return;
    }
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      answer.writeHead(202).end();
      tell(JSON.parse(Buffer.concat(pieces).toString()));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  return { address, proven, posted, close: () => server.close() };
}

async function batches() {
  const post = { method: "POST", headers: { "Content-Type": "application/json" } };
  const body = JSON.stringify(timed("In a batch", 21, 8));
  const steps = [
    { id: "1", request: new Request("https://graph/me?$select=mail") },
    { id: "2", request: new Request("https://graph/me/events", { ...post, body }), dependsOn: ["1"] },
    { id: "3", request: new Request("https://graph/me/events/AAMkAGI0"), dependsOn: ["2"] },
  ];
  const content = await new BatchRequestContent(steps).getContent();
  const said = new BatchResponseContent(await client.api("/$batch").post(content));
  assert.equal((await said.getResponseById("1").json()).mail, ana);
  assert.equal((await said.getResponseById("2").json()).subject, "In a batch");
  assert.equal(said.getResponseById("3").status, 400);
}

async function schedules() {
  const { value } = await client.api("/me/calendar/getSchedule").post({
    schedules: [ana, ben],
    startTime: { dateTime: "2026-12-20T08:00:00", timeZone: "UTC" },
    endTime: { dateTime: "2026-12-20T10:00:00", timeZone: "UTC" },
    availabilityViewInterval: 60,
  });
  assert.deepEqual(value.map((one) => one.availabilityView), ["20", "00"]);
}

async function renewed() {
  const told = await app.acquireTokenSilent({ account, scopes: SCOPES, forceRefresh: true });
  assert.equal(told.fromCache, false);
  const me = await client.api("/me").get();
  assert.equal(me.userPrincipalName, ana);
}
