// Uploads a file with tus-js-client, stopped twice: the client breaks off after a third of it; after two thirds the server is
// killed and another one takes over its data. Then it asks whether what is stored is what was sent.
//
//   node upload.mjs BELLJAR DIRECTORY MIB      DIRECTORY is empty, but for node_modules with tus-js-client
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, closeSync, openSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [belljar, directory, mib] = process.argv.slice(2);
const tus = createRequire(`${directory}/`)("tus-js-client");
const MIB = 1 << 20;
const size = Number(mib) * MIB;
const file = `${directory}/sample.bin`;

function sample() {
  const sha1 = createHash("sha1");
  const out = openSync(file, "w");
  for (let at = 0; at < size; at += MIB) {
    const block = randomBytes(MIB);
    sha1.update(block);
    writeSync(out, block);
  }
  closeSync(out);
  return sha1.digest("hex");
}

async function serve(listen) {
  const child = spawn(belljar, ["serve", "--listen", listen, "--data", `${directory}/data`], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, BELLJAR_LOG: "warn" },
  });
  const ended = new Promise((done) => child.once("exit", done));
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, ended, url: line.replace("listening on ", "") };
  }
  throw new Error("the server did not start");
}

// Uploads from where it stands; `until` breaks it off with that many bytes sent. Gives the address, and where it went on.
function upload({ endpoint, uploadUrl, until, stop }) {
  return new Promise((done, failed) => {
    let from = null;
    let stopped = false;
    const it = new tus.Upload(createReadStream(file), {
      endpoint,
      uploadUrl,
      uploadSize: size,
      retryDelays: null,
      metadata: { filename: "sample.bin", filetype: "application/octet-stream" },
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "HEAD") from = Number(response.getHeader("Upload-Offset"));
      },
      onProgress: (sent) => {
        if (stopped || !until || sent < until) return;
        stopped = true;
        stop(it).then(() => done({ url: it.url, from }), failed);
      },
      onSuccess: ({ lastResponse }) => done({ url: it.url, from, file: lastResponse.getHeader("Belljar-File-Id") }),
      onError: (error) => (stopped ? undefined : failed(error)),
    });
    it.start();
  });
}

const expected = sample();
let server = await serve("127.0.0.1:0");
process.on("exit", () => server.child.kill("SIGKILL"));
const began = performance.now();
const first = await upload({
  endpoint: `${server.url}/resumable`,
  until: size / 3,
  stop: (it) => it.abort(),
});
const second = await upload({
  uploadUrl: first.url,
  until: (size / 3) * 2,
  stop: async (it) => {
    server.child.kill("SIGKILL");
    await server.ended;
    await it.abort();
  },
});
server = await serve(new URL(server.url).host);
const last = await upload({ uploadUrl: first.url });
const seconds = (performance.now() - began) / 1000;
const facts = await (await fetch(`${server.url}/upload/${expected}`)).json();
const told = await (await fetch(first.url)).json();
const whole = [last.file, told.file_id, facts.file_id].every((id) => id === expected) && facts.size_bytes === size;
const part = (from) => `${Math.floor(from / MIB)} MiB`;
console.log(
  `tus: ${mib} MiB in ${seconds.toFixed(1)} s; broken off, it went on at ${part(second.from)};` +
    ` killed, at ${part(last.from)}; stored ${whole ? "as it was sent" : "WRONGLY"}`,
);
if (!(second.from > 0 && last.from >= second.from && last.from > size / 3)) throw new Error("it began again");
if (!whole) throw new Error(JSON.stringify({ expected, told, facts }));
process.exit(0);
