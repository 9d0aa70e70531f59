// Google's own clients for Node, pointed at the stand-in: google-auth-library signs in, @googleapis/calendar
// asks. Only the addresses are changed.

import assert from "node:assert/strict";
import { createServer } from "node:http";

import { auth as google, calendar as calendarOf } from "@googleapis/calendar";

import { answerTo, heard, say } from "./talk.mjs";

const AUTH = "https://www.googleapis.com/auth";
const SCOPES = ["openid", `${AUTH}/userinfo.email`, `${AUTH}/calendar`];

const { url, id, secret, back, ana } = await heard();
const auth = new google.OAuth2({
  clientId: id,
  clientSecret: secret,
  redirectUri: back,
  endpoints: {
    oauth2AuthBaseUrl: `${url}/o/oauth2/v2/auth`,
    oauth2TokenUrl: `${url}/token`,
    oauth2RevokeUrl: `${url}/revoke`,
    tokenInfoUrl: `${url}/tokeninfo`,
    oauth2FederatedSignonPemCertsUrl: `${url}/oauth2/v1/certs`,
    oauth2FederatedSignonJwkCertsUrl: `${url}/oauth2/v3/certs`,
  },
});
await signedIn();
const calendar = calendarOf({ version: "v3", auth, rootUrl: `${url}/` });

const desk = await calendars();
await events(desk);
await series(desk);
await syncs(desk);
await channels(desk);
await freeBusy(desk);
await refusals(desk);
await renewed();
await givenBack();
say({ done: true });
process.exit(0);

async function signedIn() {
  const { codeVerifier, codeChallenge } = await auth.generateCodeVerifierAsync();
  const address = auth.generateAuthUrl({
    access_type: "offline",
    prompt: "consent",
    scope: SCOPES,
    code_challenge: codeChallenge,
    code_challenge_method: "S256",
  });
  const { code } = await answerTo({ address });
  const { tokens } = await auth.getToken({ code, codeVerifier });
  assert.ok(tokens.refresh_token);
  assert.deepEqual(tokens.scope.split(" ").sort(), [...SCOPES].sort());
  auth.setCredentials(tokens);
  const ticket = await auth.verifyIdToken({ idToken: tokens.id_token, audience: id });
  assert.equal(ticket.getPayload().email, ana);
}

async function calendars() {
  const requestBody = { summary: "Desk", timeZone: "Europe/Berlin" };
  const { data: made } = await calendar.calendars.insert({ requestBody });
  await calendar.calendars.patch({ calendarId: made.id, requestBody: { summary: "Counter" } });
  const { data } = await calendar.calendarList.list();
  assert.deepEqual(data.items.map((one) => [one.summary, one.accessRole, one.primary]), [
    [ana, "owner", true],
    ["Counter", "owner", undefined],
  ]);
  return made.id;
}

function timed(summary, day, hour, more = {}) {
  const two = (number) => String(number).padStart(2, "0");
  const at = (h) => ({ dateTime: `2026-12-${two(day)}T${two(h)}:00:00+01:00`, timeZone: "Europe/Berlin" });
  return { summary, start: at(hour), end: at(hour + 1), ...more };
}

async function events(calendarId) {
  const requestBody = timed("Visit", 1, 10, {
    id: "visit1",
    extendedProperties: { private: { key: "k1" } },
    attendees: [{ email: "sam@elsewhere.example" }],
  });
  const { data: made } = await calendar.events.insert({ calendarId, sendUpdates: "none", requestBody });
  assert.equal(made.id, "visit1");
  await assert.rejects(calendar.events.insert({ calendarId, requestBody }), { status: 409 });
  const { data: found } = await calendar.events.list({ calendarId, privateExtendedProperty: ["key=k1"] });
  assert.deepEqual(found.items.map((one) => one.id), ["visit1"]);
  const eventId = made.id;
  const { data: moved } = await calendar.events.patch(
    { calendarId, eventId, requestBody: { summary: "Later" } },
    { headers: { "If-Match": made.etag } },
  );
  assert.notEqual(moved.etag, made.etag);
  await assert.rejects(
    calendar.events.update(
      { calendarId, eventId, requestBody: timed("Lost", 1, 12) },
      { headers: { "If-Match": made.etag } },
    ),
    { status: 412 },
  );
  await calendar.events.delete({ calendarId, eventId });
  const { data: gone } = await calendar.events.get({ calendarId, eventId });
  assert.equal(gone.status, "cancelled");
}

async function series(calendarId) {
  const { data: daily } = await calendar.events.insert({
    calendarId,
    requestBody: timed("Daily", 2, 9, { recurrence: ["RRULE:FREQ=DAILY;COUNT=5"] }),
  });
  const { data } = await calendar.events.instances({ calendarId, eventId: daily.id });
  assert.equal(data.items.length, 5);
  await calendar.events.patch({ calendarId, eventId: data.items[1].id, requestBody: timed("Moved", 3, 14) });
  await calendar.events.delete({ calendarId, eventId: data.items[2].id });
  const { data: seen } = await calendar.events.list({ calendarId, singleEvents: true, orderBy: "startTime" });
  assert.deepEqual(
    seen.items.map((one) => one.start.dateTime.slice(8, 13)),
    ["02T09", "03T14", "05T09", "06T09"],
  );
}

async function syncs(calendarId) {
  for (let day = 7; day < 14; day += 1) {
    await calendar.events.insert({ calendarId, requestBody: timed(`Day ${day}`, day, 12) });
  }
  let { found, token } = await everyPage({ calendarId, maxResults: 3 });
  assert.equal(found.length, 11, "a series with two exceptions, one that is gone, seven more");
  const [first, second] = found.filter((one) => one.summary?.startsWith("Day"));
  await calendar.events.delete({ calendarId, eventId: first.id });
  await calendar.events.patch({ calendarId, eventId: second.id, requestBody: { summary: "Renamed" } });
  ({ found, token } = await everyPage({ calendarId, syncToken: token }));
  assert.deepEqual(
    found.map((one) => [one.id, one.status]).sort(),
    [[first.id, "cancelled"], [second.id, "confirmed"]].sort(),
  );
  await assert.rejects(calendar.events.list({ calendarId, syncToken: "nonsense" }), { status: 400 });
}

async function everyPage(asked) {
  const found = [];
  let pageToken;
  let token;
  do {
    const { data } = await calendar.events.list({ ...asked, pageToken, showDeleted: true });
    found.push(...data.items);
    pageToken = data.nextPageToken;
    token = data.nextSyncToken;
  } while (pageToken);
  assert.ok(token);
  return { found, token };
}

async function channels(calendarId) {
  const hook = await listening();
  const requestBody = { id: "channel-1", type: "web_hook", address: hook.address, token: "only we know" };
  const { data: made } = await calendar.events.watch({ calendarId, requestBody });
  assert.ok(Number(made.expiration) > Date.now());
  assert.equal((await hook.next())["x-goog-resource-state"], "sync");
  await calendar.events.insert({ calendarId, requestBody: timed("Told", 20, 8) });
  const told = await hook.next();
  assert.equal(told["x-goog-resource-state"], "exists");
  assert.equal(told["x-goog-channel-token"], "only we know");
  await calendar.channels.stop({ requestBody: { id: made.id, resourceId: made.resourceId } });
  hook.close();
}

async function listening() {
  const come = [];
  const waiting = [];
  const server = createServer((request, answer) => {
    request.resume();
    answer.writeHead(200).end();
    const next = waiting.shift();
    if (next) next(request.headers);
    else come.push(request.headers);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const next = () => (come.length ? Promise.resolve(come.shift()) : new Promise((resolve) => waiting.push(resolve)));
  return { address: `http://127.0.0.1:${server.address().port}/hook`, next, close: () => server.close() };
}

async function freeBusy(calendarId) {
  const { data } = await calendar.freebusy.query({
    requestBody: { timeMin: "2026-12-20T00:00:00Z", timeMax: "2026-12-21T00:00:00Z", items: [{ id: calendarId }] },
  });
  assert.equal(data.calendars[calendarId].busy.length, 1);
}

async function refusals(calendarId) {
  await assert.rejects(calendar.events.get({ calendarId, eventId: "nothere" }), (error) => {
    assert.equal(error.status, 404);
    assert.equal(error.response.data.error.errors[0].reason, "notFound");
    return true;
  });
}

async function renewed() {
  const before = auth.credentials.access_token;
  auth.credentials.expiry_date = Date.now() - 1; // the library renews by itself
  await calendar.calendarList.list();
  assert.notEqual(auth.credentials.access_token, before);
}

async function givenBack() {
  const { refresh_token } = auth.credentials;
  await auth.revokeCredentials();
  auth.setCredentials({ refresh_token });
  await assert.rejects(calendar.calendarList.list(), /invalid_grant/);
}
