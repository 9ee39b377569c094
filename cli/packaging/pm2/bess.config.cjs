// For those who run everything under pm2: `pm2 start cli/packaging/pm2/bess.config.cjs`.
//
// pm2 restarts a process that has ended; it does not see one that hangs (a service manager with a watchdog does:
// docs/bare-metal.md). BESS_BIN and BESS_HOME say where the binary and its files are.
const path = require("path");

const home = process.env.BESS_HOME || path.resolve("bess-data");

module.exports = {
  apps: [
    {
      name: "bess",
      script: process.env.BESS_BIN || path.resolve(__dirname, "../../../target/release/bess"),
      args: ["serve"],
      // A program, not a script of Node.
      interpreter: "none",
      exec_mode: "fork",
      instances: 1,
      cwd: home,
      env: {
        BESS_STATE: path.join(home, "state"),
        BESS_AUDIT: path.join(home, "audit.jsonl"),
        BESS_LOG_FORMAT: "json",
      },
      // The log goes to the standard error output.
      error_file: path.join(home, "bess.log"),
      out_file: path.join(home, "bess.out"),
      // The files have these names, without a number behind.
      merge_logs: true,
      // SIGTERM, and the time that the last checkpoint may take.
      kill_timeout: 30000,
      shutdown_with_message: false,
      min_uptime: 5000,
      max_restarts: 6,
      exp_backoff_restart_delay: 1000,
      // Input that is refused does not get better by trying again. Not 0: pm2 takes an end by a signal for that.
      stop_exit_codes: [2],
    },
  ],
};
