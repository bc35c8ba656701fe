import { ALWAYS, BY_FULL, FULL_ONLY, OWN_UID_TOO, attack, call } from "./os-attack.ts";
import type { OsAttack } from "./os-attack.ts";

export const ATTACKS_ON_NETWORK: readonly OsAttack[] = [
  attack("connects over TCP to this machine", FULL_ONLY, ({ require, target }) => {
    return new Promise((resolve, reject) => {
      const socket = require("node:net").connect(target.tcpPort, "127.0.0.1");
      socket.once("connect", () => resolve(socket.destroy()));
      socket.once("error", reject);
    });
  }),
  attack("listens on TCP", FULL_ONLY, ({ require }) => {
    return new Promise((resolve, reject) => {
      const server = require("node:net").createServer();
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => server.close(resolve));
    });
  }),
  attack("sends a datagram", FULL_ONLY, ({ require, target }) => {
    return new Promise((resolve, reject) => {
      const socket = require("node:dgram").createSocket("udp4");
      socket.once("error", reject);
      socket.send("x", target.udpPort, "127.0.0.1", (error) => (error ? reject(error) : resolve(socket.close())));
    });
  }),
  attack("connects to a socket file of the user", OWN_UID_TOO, ({ require, target }) => {
    return new Promise((resolve, reject) => {
      const socket = require("node:net").connect(target.unixPath);
      socket.once("connect", () => resolve(socket.destroy()));
      socket.once("error", reject);
    });
  }),
  attack("connects to a socket without a file", FULL_ONLY, ({ require, target }) => {
    return new Promise((resolve, reject) => {
      const socket = require("node:net").connect(`\0${target.abstractName}`);
      socket.once("connect", () => resolve(socket.destroy()));
      socket.once("error", reject);
    });
  }),
  attack("lists the network's interfaces", FULL_ONLY, ({ require }) => require("node:os").networkInterfaces()),
  attack("learns the machine's name", FULL_ONLY, ({ require }) => require("node:os").hostname()),
  call("opens a netlink socket", FULL_ONLY, [41, 198], "16, 3, 0"),
  call("opens a raw socket", ALWAYS, [41, 198], "2, 3, 1"),
  call("opens a packet socket", ALWAYS, [41, 198], "17, 3, 0"),
  call("opens a socket to the hypervisor (vsock)", BY_FULL, [41, 198], "40, 1, 0"),
  call("makes a pair of sockets", FULL_ONLY, [53, 199], "1, 1, 0, 0", ["EFAULT"]),
  call("sends a descriptor over its pipe (sendmsg)", FULL_ONLY, [46, 211], "3, 0, 0", ["EFAULT"]),
  call("receives a descriptor over its pipe (recvmsg)", FULL_ONLY, [47, 212], "3, 0, 0x40", ["EFAULT"]),
];
