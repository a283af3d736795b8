// A trading program without the gateway's client: only zeromq and @msgpack/msgpack.
//
//     npm ci --ignore-scripts && node desk.mjs ipc:///path/to/var/run
//     node desk.mjs tcp://127.0.0.1:7701
//
// It follows an account's stream and closes every gap, places an order, cancels it, and asks what
// became of it. Every message is in schemas/messages/; docs/raw-sockets.md explains the rules.

import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";

import { decode, encode } from "@msgpack/msgpack";
import { Push, Request, Subscriber } from "zeromq";

const SECOND = 1_000_000_000n;
const NAMES = ["orders", "urgent", "reports", "status", "requests"];
const ASK_TIMEOUT_MS = 5_000;
const CANCEL_AGAIN_MS = 1_000;
const PATIENCE_MS = 60_000;
const CLOSED = new Set(["filled", "canceled", "rejected", "expired"]);
const UNDECIDED = new Set(["pending_new", "in_doubt"]);

// Times are integers of nanoseconds, beyond what a JavaScript number holds exactly: they are BigInt,
// and must be encoded as integers. A float is refused.
const INTEGERS = { useBigInt64: true };
const now = () => BigInt(Date.now()) * 1_000_000n;
const newId = () => randomBytes(12).toString("hex");

/** The four sockets of a trading program. */
class Wires {
  constructor(base, clientId, trace) {
    this.clientId = clientId;
    this.trace = trace;
    // immediate: without it a PUSH queues for a gateway that is not there, and the order would leave
    // minutes later. With it, a send that nobody takes fails at once.
    const pushing = { immediate: true, linger: 500, sendTimeout: 0 };
    this.orders = connected(new Push(pushing), base, "orders");
    this.urgent = connected(new Push(pushing), base, "urgent");
    this.status = connected(new Subscriber({ receiveHighWaterMark: 50_000 }), base, "status");
    // relaxed and correlate: without them a REQ is stuck for ever after one missing answer.
    const asking = { relaxed: true, correlate: true, immediate: true, linger: 0 };
    const waiting = { receiveTimeout: ASK_TIMEOUT_MS, sendTimeout: 1_000 };
    this.requests = connected(new Request({ ...asking, ...waiting }), base, "requests");
    this.asking = Promise.resolve();
  }

  /** False: nobody took it, it has not left this program. */
  async send(socket, fields) {
    const message = { ...fields, version: 1, client_id: this.clientId };
    try {
      await socket.send(encode(message, INTEGERS));
    } catch (error) {
      if (error.code === "EAGAIN") return false;
      throw error;
    }
    this.note("sent", message);
    return true;
  }

  /** The answer, or null if none came in time; one of type `failed` has a `code` and a `text`. */
  ask(type, fields = {}) {
    const answer = this.asking.then(() => this.askOne(type, fields)); // one question at a time
    this.asking = answer.catch(() => {});
    return answer;
  }

  async askOne(type, fields) {
    const expiresAt = now() + BigInt(ASK_TIMEOUT_MS) * 1_000_000n;
    const question = { type, request_id: newId(), expires_at: expiresAt, ...fields };
    if (!(await this.send(this.requests, question))) return null;
    try {
      const [frame] = await this.requests.receive();
      return this.read(frame);
    } catch (error) {
      if (error.code === "EAGAIN") return null;
      throw error;
    }
  }

  read(frame) {
    const message = decode(frame, INTEGERS);
    if (message.version > 1) {
      throw new Error(`the gateway speaks version ${message.version}, this program 1`);
    }
    this.note("received", message);
    return message;
  }

  note(way, message) {
    if (this.trace) appendFileSync(this.trace, `${toJson({ way, message })}\n`);
  }

  close() {
    for (const socket of [this.orders, this.urgent, this.status, this.requests]) socket.close();
  }
}

/**
 * One account's stream without a gap: orders by id, as of `epoch` and `seq`.
 *
 * Items are numbered 1, 2, 3 ... within an epoch. A missing number is asked for with `replay`. What
 * is no longer kept, or a new epoch, is begun anew from a `snapshot`. Heads, each second, show that
 * the last item was lost.
 */
class Stream {
  constructor(wires, account) {
    this.wires = wires;
    this.account = account;
    this.orders = new Map();
    this.gapsClosed = 0;
    this.epoch = 0n;
    this.seq = 0n;
  }

  async onMessage(message) {
    if (message.account !== this.account) return;
    if (message.type === "order_update" || message.type === "transaction_update") {
      await this.onItem(message);
    } else if (message.type === "head") {
      await this.catchUp(BigInt(message.epoch), BigInt(message.seq));
    }
  }

  async snapshot() {
    const answer = await this.wires.ask("snapshot", { account: this.account });
    if (answer === null || answer.type === "failed") return; // the next head asks again
    this.epoch = BigInt(answer.epoch);
    this.seq = BigInt(answer.seq);
    for (const order of answer.orders) this.orders.set(order.order_id, order);
  }

  async onItem(item) {
    await this.catchUp(BigInt(item.epoch), BigInt(item.seq) - 1n);
    if (BigInt(item.epoch) === this.epoch && BigInt(item.seq) === this.seq + 1n) this.apply(item);
  }

  apply(item) {
    this.seq = BigInt(item.seq);
    if (item.type === "order_update") this.orders.set(item.order.order_id, item.order);
    else say("transaction", item.transaction);
  }

  /** Asks until everything up to `last` has been applied. */
  async catchUp(epoch, last) {
    if (epoch > this.epoch) await this.snapshot();
    while (epoch === this.epoch && this.seq < last) {
      const range = { epoch: this.epoch, from_seq: this.seq + 1n, to_seq: last };
      const answer = await this.wires.ask("replay", { account: this.account, ...range });
      if (answer === null) return; // the next head asks again
      if (answer.type === "failed" || answer.items.length === 0) {
        await this.snapshot(); // these numbers are no longer kept, or of another epoch
        return;
      }
      for (const item of answer.items) this.apply(item);
      this.gapsClosed += 1;
    }
  }
}

/** Places and cancels, and knows what became of it. */
class Desk {
  constructor(wires, account, lose) {
    this.wires = wires;
    this.account = account;
    this.lose = lose; // so many items are thrown away, as a network might
    this.stream = new Stream(wires, account);
    this.refused = new Map();
    this.heads = 0;
    this.waiting = new Set();
  }

  /**
   * Subscribes, and returns the gateway's tag. A subscription takes time to be in force, and
   * nothing says when it is: a first head shows it.
   */
  async start() {
    const topics = [`stream/${this.account}/`, `refusals/${this.wires.clientId}/`, "heads/"];
    this.wires.status.subscribe(...topics);
    this.hearing = this.hear();
    const { tag } = await this.untilAnswered("accounts");
    await this.until(() => this.heads > 0 && this.stream.epoch > 0n, "the account's stream");
    return tag;
  }

  async hear() {
    for await (const [, frame] of this.wires.status) {
      await this.take(this.wires.read(frame));
      for (const look of [...this.waiting]) look();
    }
  }

  async take(message) {
    if (message.type === "head") this.heads += 1;
    if (message.type === "refusal") this.refused.set(message.order_id, message);
    else if (this.lose > 0 && message.type === "order_update") this.lose -= 1;
    else await this.stream.onMessage(message);
  }

  /** The same `place`, sent again, would be the same order: its id tells. */
  async place(tag, side, symbol, quantity, price) {
    const orderId = makeOrderId(tag);
    const taken = await this.wires.send(this.wires.orders, {
      type: "place",
      order_id: orderId,
      command_id: newId(),
      account: this.account,
      symbol,
      side,
      order_type: "limit",
      quantity, // figures are text
      price,
      expires_at: now() + 2n * SECOND,
    });
    if (!taken) throw new Error("nobody takes orders: is the executor running?");
    await this.until(() => this.isDecided(orderId), "what became of the order");
    return orderId;
  }

  /** Repeated until its effect is seen; the order as it ended. */
  async cancel(orderId, symbol) {
    const cancel = { type: "cancel", order_id: orderId, command_id: newId() };
    const again = async () =>
      this.wires.send(this.wires.urgent, { ...cancel, account: this.account, symbol });
    const isClosed = () => CLOSED.has(this.stream.orders.get(orderId).status);
    await again();
    const repeating = setInterval(again, CANCEL_AGAIN_MS);
    try {
      await this.until(isClosed, "the end of the order");
    } finally {
      clearInterval(repeating);
    }
    return this.stream.orders.get(orderId);
  }

  /**
   * What the gateway has stored; also for an order of which nothing was ever heard. (Then with
   * `expires_at_of_place`, and the fate can be `never_received`.)
   */
  lookUp(orderId) {
    return this.untilAnswered("get_order", { order_id: orderId });
  }

  isDecided(orderId) {
    const refusal = this.refused.get(orderId);
    if (refusal) throw new Error(`refused: ${refusal.code}: ${refusal.text}`);
    const order = this.stream.orders.get(orderId);
    return order !== undefined && !UNDECIDED.has(order.status);
  }

  async untilAnswered(type, fields) {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const answer = await this.wires.ask(type, fields);
      if (answer !== null && answer.type !== "failed") return answer;
      await pause(200);
    }
    throw new Error(`no answer to ${type}`);
  }

  until(isIt, what) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        settle(value);
      };
      const timer = setTimeout(() => end(reject, new Error(`${what} did not come`)), PATIENCE_MS);
      const look = () => {
        try {
          if (isIt()) end(resolve);
        } catch (error) {
          end(reject, error);
        }
      };
      this.waiting.add(look);
      look();
    });
  }
}

/**
 * A UUIDv8: 48 bits of ms, the gateway's 12-bit tag, 62 random bits. Time and tag matter: an id that
 * is too old, or of another gateway, is refused.
 */
function makeOrderId(tag) {
  const random = (randomBytes(8).readBigUInt64BE() & ((1n << 62n) - 1n)) | (1n << 63n);
  const time = Date.now().toString(16).padStart(12, "0");
  const digits = `${time}8${tag.toString(16).padStart(3, "0")}${random.toString(16)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** `ipc`: a socket in the folder; `tcp`: five ports in a row. */
function endpoint(base, name) {
  if (base.startsWith("ipc://")) return `${base.replace(/\/$/, "")}/${name}`;
  const [, host, port] = /^(.*):(\d+)$/.exec(base);
  return `${host}:${Number(port) + NAMES.indexOf(name)}`;
}

function connected(socket, base, name) {
  socket.connect(endpoint(base, name));
  return socket;
}

/** BigInts as plain integers, which JSON has room for. */
function toJson(value) {
  const marked = (_key, one) => (typeof one === "bigint" ? `@int:${one}` : one);
  return JSON.stringify(value, marked).replace(/"@int:(-?\d+)"/g, "$1");
}

function say(event, fields) {
  console.log(toJson({ event, ...fields }));
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    account: { type: "string", default: "main" },
    symbol: { type: "string", default: "BTC/USDT" },
    quantity: { type: "string", default: "0.01" },
    price: { type: "string", default: "20000" },
    "client-id": { type: "string", default: "raw-node" },
    lose: { type: "string", default: "0" }, // throw so many updates away
    trace: { type: "string" }, // a file for every message as JSON
  },
});
if (positionals.length !== 1) {
  console.error("usage: node desk.mjs ipc:///folder-of-the-sockets | tcp://host:first-port");
  process.exit(2);
}
const wires = new Wires(positionals[0], values["client-id"], values.trace);
const desk = new Desk(wires, values.account, Number(values.lose));
try {
  const tag = await desk.start();
  say("following", { account: values.account, tag });
  const orderId = await desk.place(tag, "buy", values.symbol, values.quantity, values.price);
  say("placed", { order_id: orderId, status: desk.stream.orders.get(orderId).status });
  const ended = await desk.cancel(orderId, values.symbol);
  say("ended", { order_id: orderId, status: ended.status, filled: ended.cum_quantity });
  const found = await desk.lookUp(orderId);
  say("stored", { order_id: orderId, fate: found.fate, status: found.order.status });
  say("done", { gaps_closed: desk.stream.gapsClosed });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  wires.close();
}
