export type SocketOwner = ReturnType<typeof createSocketOwner>;

/**
 * No other program uses it: the kernel lets sockets share a port only if they have the same uid, so other programs cannot share ours by
 * accident. A program of root can do it on purpose.
 */
const agentUid = 42_579;

/** Creates sockets with another uid than the process has. Only root with the capability SETUID can change its uid; for other users sockets have the uid of the process. */
export function createSocketOwner() {
  const own = process.geteuid?.() ?? -1;
  let uid = own === 0 ? agentUid : own;
  const giveUp = () => void (uid = own);
  return {
    /** The uid of sockets that are created between `begin` and `end`. */
    get uid() {
      return uid;
    },
    begin() {
      if (uid === own) return;
      try {
        process.seteuid?.(uid);
      } catch {
        giveUp();
      }
    },
    end() {
      if (uid !== own) process.seteuid?.(own);
    },
    /** From now on sockets have the uid of the process. */
    giveUp,
  };
}
