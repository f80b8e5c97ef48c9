/** A second listener of the broker for tests of TLS, passwords and rights: SASL over TLS, with a certificate of its own. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Of a store that lives as long as a test. */
const STORE_PASSWORD = "changeit";
const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

export interface SecureListenerOptions {
  /** Password by name. Each may log in by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly users: Readonly<Record<string, string>>;
  /** With names, users have only the rights that they are given, but for these, who have all. Default: everybody has all. */
  readonly superUsers?: readonly string[];
}

export interface SecureListener {
  /** The certificate that clients must trust, PEM. */
  readonly caFile: string;
  /** Arguments of formatting, which writes the SCRAM users into an empty data folder. */
  readonly formatArguments: readonly string[];
  readonly properties: string;
}

/** @throws Error when `keytool` is missing, which comes with Java */
export async function makeSecureListener(
  folder: string,
  { users, superUsers }: SecureListenerOptions,
): Promise<SecureListener> {
  const store = path.join(folder, "broker.p12");
  const caFile = path.join(folder, "broker.pem");
  const common = ["-alias", "broker", "-keystore", store, "-storepass", STORE_PASSWORD];
  if (!existsSync(caFile)) {
    const names = ["-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1"];
    await run("keytool", [
      "-genkeypair",
      "-keyalg",
      "EC",
      "-storetype",
      "PKCS12",
      "-validity",
      "30",
      ...names,
      ...common,
    ]);
    await run("keytool", ["-exportcert", "-rfc", "-file", caFile, ...common]);
  }
  const plainUsers = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  return {
    caFile,
    formatArguments: Object.entries(users).flatMap(([name, password]) =>
      MECHANISMS.flatMap((mechanism) => ["--add-scram", `${mechanism}=[name=${name},password=${password}]`]),
    ),
    properties: `listener.name.secure.ssl.keystore.location=${store}
listener.name.secure.ssl.keystore.password=${STORE_PASSWORD}
listener.name.secure.ssl.keystore.type=PKCS12
listener.name.secure.sasl.enabled.mechanisms=PLAIN,${MECHANISMS.join(",")}
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${plainUsers.join(" ")};
${MECHANISMS.map((name) => `listener.name.secure.${name.toLowerCase()}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;`).join("\n")}
${
  superUsers === undefined
    ? ""
    : `authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=${["ANONYMOUS", ...superUsers].map((name) => `User:${name}`).join(";")}
`
}`,
  };
}
