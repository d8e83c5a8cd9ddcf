# The boot manifest, with the ordinals and types of the published crate capos-config 0.1.0. What capjit does not read is
# declared as AnyPointer, so that everything else lies where it does there. `npm run schema` generates manifest.ts.

@0xcb1f6a0d2f2f7e12;

struct SystemManifest {
  # What the system is started from.
  schemaVersion @0 :UInt32;
  binaries @1 :List(NamedBlob);
  initConfig @2 :CueValue;
  kernelParams @3 :SystemConfig;
  extensionPoints @4 :AnyPointer;
}

struct NamedBlob {
  # A program.
  name @0 :Text;
  data @1 :Data;
}

struct CueValue {
  # A value of the configuration of init.
  union {
    null @0 :Void;
    boolean @1 :Bool;
    intValue @2 :Int64;
    uintValue @3 :UInt64;
    text @4 :Text;
    bytes @5 :Data;
    list @6 :List(CueValue);
    fields @7 :List(CueField);
  }
}

struct CueField {
  # A named value of a record.
  name @0 :Text;
  value @1 :CueValue;
}

struct SystemConfig {
  # Settings of the kernel.
  logLevel @0 :UInt16;
  consolePasswordVerifierPhc @1 :Text;
  allowLocalDevelopmentShell @2 :Bool;
  consoleUart @3 :AnyPointer;
  terminalUart @4 :AnyPointer;
  motd @5 :Text;
  seedAccounts @6 :AnyPointer;
  resourceProfiles @7 :AnyPointer;
  initialRoleBindings @8 :AnyPointer;
  sshDevelopmentHostKey @9 :AnyPointer;
  authorizedSshKeys @10 :AnyPointer;
  sessionLifetimes @11 :AnyPointer;
  hostname @12 :Text;
  dmaBackendPolicy @13 :UInt16;
  cpuIsolationPools @14 :AnyPointer;
  cpuIsolationPoolGrants @15 :AnyPointer;
  cpuIsolationGrantMinterAllowlist @16 :AnyPointer;
  keySourceBootstrap @17 :AnyPointer;
  blockDeviceTarget @18 :AnyPointer;
}
