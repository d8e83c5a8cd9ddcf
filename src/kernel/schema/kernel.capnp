# The interfaces of the capOS kernel that capjit declares, with the ids, ordinals and types of the published crate
# capos-config 0.1.0. The comments are the manual entry of each method; the rules behind them stand in the objects.
# `npm run schema` generates kernel.ts from this file.

@0xcb1f6a0d2f2f7e11;

interface Console @0x913ae02202463262 {
  # Plain text output. Bytes go to the console unchanged.
  write @0 (data :Data) -> ();
  # Writes the bytes; adds nothing.
  writeLine @1 (text :Text) -> ();
  # Writes the text and a line end.
}

interface TerminalSession @0x93484e804b83f366 {
  # A terminal with line input.
  write @0 (data :Data) -> ();
  # Writes the bytes; adds nothing.
  writeLine @1 (text :Text) -> ();
  # Writes the text and a line end.
  readLine @2 (request :LineRequest) -> (status :LineStatus, line :Data);
  # Reads one line. `line` is empty unless `status` is submitted.
}

interface StdIO @0xb5710d2d2f9feeb5 {
  # Standard streams of a program.
  write @0 (stream :StdIOStream, text :Text) -> ();
  # Writes text to one of the streams.
  read @1 (request :StdIOReadRequest) -> (status :LineStatus, text :Text);
  # Reads input as the request says.
  close @2 () -> ();
  # Ends the session.
}

interface EntropySource @0x8f806845945157e9 {
  # Random bytes.
  fill @0 (bytes :UInt32) -> (status :EntropyStatus, data :Data);
  # `bytes` random bytes; unavailable and empty when they do not fit.
}

interface SystemInfo @0xfbbdc602980cb986 {
  # What the system says of itself.
  motd @0 () -> (text :Text);
  # The message of the day.
  hostname @1 () -> (name :Text);
  # The name of the host.
}

interface LogSink @0xb2bda99db21b8a8e {
  # Authority to append to the system log.
  write @0 (record :LogRecord) -> (accepted :Bool);
  # Appends a record; the kernel stamps the tick. Below the threshold: accepted is false.
}

interface LogReader @0xcd91e969a5c7b1dc {
  # Authority to read the system log.
  read @0 (cursor :UInt64, maxRecords :UInt32, filter :LogFilter) -> (records :List(LogRecord), nextCursor :UInt64, dropped :UInt64);
  # At most 16 records from the cursor on; cursor 0 is the oldest; maxRecords 0 consumes nothing.
}

interface FrameAllocator @0x99c5fd0346dd918b {
  # Authority to take physical frames, handed out as memory objects; never as addresses.
  allocFrame @0 () -> (handleIndex :UInt16);
  # One zeroed frame: a MemoryObject at transfer record `handleIndex`.
  allocContiguous @1 (count :UInt32) -> (handleIndex :UInt16);
  # `count` zeroed contiguous frames. invalidArgument: zero; overloaded: over quota or no such run.
}

interface MemoryObject @0xa6d325ad136095be {
  # Shared frames. Holding the capability and each live mapping is charged to the frame grant.
  info @0 () -> (pageCount :UInt32, sizeBytes :UInt64);
  # Size of the object.
  map @1 (hint :UInt64, offset :UInt64, size :UInt64, prot :UInt32) -> (addr :UInt64);
  # Maps the page-aligned part [offset, offset + size) at `hint`, 0 = the kernel chooses.
  unmap @2 (addr :UInt64, size :UInt64) -> ();
  # Removes mappings of this object only.
  protect @3 (addr :UInt64, size :UInt64, prot :UInt32) -> ();
  # Changes protection of mappings of this object only.
}

interface VirtualMemory @0x86246d603d6cb6e5 {
  # Authority over the anonymous memory of one address space; cannot leave its process.
  map @0 (hint :UInt64, size :UInt64, prot :UInt32) -> (addr :UInt64);
  # reserve and commit in one.
  unmap @1 (addr :UInt64, size :UInt64) -> ();
  # Drops the reservation and its backing.
  protect @2 (addr :UInt64, size :UInt64, prot :UInt32) -> ();
  # Changes protection of committed pages. Writable and executable together is refused.
  reserve @3 (hint :UInt64, size :UInt64) -> (addr :UInt64);
  # Sets an address range aside; charges virtual reservation pages, takes no frames.
  commit @4 (addr :UInt64, size :UInt64, prot :UInt32) -> ();
  # Backs reserved pages with zeroed frames; charges frame-grant pages.
  decommit @5 (addr :UInt64, size :UInt64) -> ();
  # Gives the backing back and keeps the reservation.
}

interface Timer @0x9ac15f2e068e4b7b {
  # Monotonic time.
  now @0 () -> (monotonicNs :UInt64, tick :UInt64);
  # Nanoseconds since start, and 10 ms ticks.
  sleep @1 (durationNs :UInt64) -> ();
  # Completes no earlier than the duration; at most 8 outstanding per process.
}

interface WallClock @0xe28412f022b72db8 {
  # Civil time.
  wallTime @0 () -> (utcSeconds :Int64, utcNanos :UInt32, monotonicNs :UInt64, provenance :ClockProvenance);
  # Provenance untrusted is the fail-closed default.
}

interface ThreadControl @0x8b2f6272ccb78e32 {
  # Authority over the calling thread.
  getFsBase @0 () -> (fsBase :UInt64);
  # FS base of the calling thread.
  setFsBase @1 (fsBase :UInt64) -> ();
  # Sets the FS base of the calling thread.
  exitThread @2 (code :Int64) -> ();
  # Ends the calling thread; the last one ends the process with this code.
}

interface ThreadSpawner @0xdcdd6651f6fd25b0 {
  # Authority to start threads in the own process.
  create @0 (entry :UInt64, stackTop :UInt64, arg :UInt64, fsBase :UInt64, flags :UInt64) -> (handleIndex :UInt16);
  # Starts a thread: a ThreadHandle at transfer record `handleIndex`. `flags` must be 0.
}

interface ThreadHandle @0xd394558cd1df8c83 {
  # A thread that was started.
  join @0 () -> (exitCode :Int64);
  # Completes when the thread has exited; one waiter.
  exitCode @1 () -> (exited :Bool, exitCode :Int64);
  # Polls.
}

interface ParkSpace @0xb520d6693ae6db6f {
  # Authority to park and unpark on words of the own address space; used by ring opcodes only.
}

interface SharedParkSpace @0xa72963b58c4baf63 {
  # Reserved: no kernel source and no method makes one.
}

interface Endpoint @0xd5dc40d973e75b84 {
  # A rendezvous of callers and a receiver; used by ring opcodes only.
}

interface ProcessSpawner @0xc38e920d571bd988 {
  # Authority to start processes from the boot package.
  spawn @0 (name :Text, binaryName :Text, grants :List(CapGrant)) -> (handleIndex :UInt16, capabilityManagerIndex :UInt16);
  # Starts a process with exactly the granted capabilities: records ProcessHandle, CapabilityManager, then one client facet per endpoint made for the child.
  createPipe @1 (bufferBytes :UInt32) -> (readIndex :UInt16, writeIndex :UInt16);
  # A bounded pipe: two Pipe records.
}

interface ProcessHandle @0xd5b6eb41fc32049b {
  # A process that was started.
  wait @0 () -> (exitCode :Int64);
  # Completes when the process has exited; one waiter.
  terminate @1 () -> ();
  # Ends the process.
}

interface Pipe @0xd9e860ced94a61ee {
  # One end of a bounded byte stream; the direction is fixed when it is made.
  read @0 (maxLen :UInt32) -> (data :Data, eof :Bool);
  # Blocks while empty and the writer is open; then drains, then eof.
  write @1 (data :Data) -> (bytesWritten :UInt32);
  # Blocks while full; 0 once the reader is closed.
  close @2 () -> ();
  # Closes this end.
  isClosed @3 () -> (closed :Bool);
  # Whether the other end is closed.
}

interface CapabilityManager @0xa619067afeb13801 {
  # A parent's view of its child's capability table.
  list @0 () -> (capabilities :List(CapabilityInfo));
  # The live capabilities.
  revoke @1 (capId :UInt32) -> ();
  # Revokes the object behind a slot, everywhere.
}

interface BootPackage @0xf90b23a1ce34df61 {
  # Read access to the boot manifest.
  manifestSize @0 () -> (size :UInt64);
  # Bytes.
  readManifest @1 (offset :UInt64, maxBytes :UInt32) -> (data :Data);
  # A chunk of at most 4096 bytes.
}

interface File @0xa67530a44b2ada88 {
  # A file.
  read @0 (offset :UInt64, length :UInt32) -> (data :Data);
  write @1 (offset :UInt64, data :Data) -> (written :UInt32);
  stat @2 () -> (size :UInt64, created :UInt64, modified :UInt64);
  truncate @3 (length :UInt64) -> ();
  sync @4 () -> ();
  close @5 () -> ();
}

interface Directory @0xa456e17698a31f74 {
  # A directory; flags of open: create 1, truncate 2, append 4.
  open @0 (name :Text, flags :UInt32) -> (file :File);
  list @1 () -> (entries :List(DirEntry));
  mkdir @2 (name :Text) -> (dir :Directory);
  remove @3 (name :Text) -> ();
  sub @4 (name :Text) -> (dir :Directory);
  create @5 (name :Text) -> ();
  rename @6 (from :Text, to :Text) -> ();
}

interface BlockDevice @0xe3459fc624accc3b {
  # A device of fixed-size blocks.
  readBlocks @0 (startLba :UInt64, count :UInt32) -> (data :Data);
  writeBlocks @1 (startLba :UInt64, count :UInt32, data :Data) -> ();
  info @2 () -> (blockSize :UInt32, blockCount :UInt64, readOnly :Bool);
  flush @3 () -> ();
}

interface Store @0x8eecd752a05a79b2 {
  # Content-addressed blobs; the hash is SHA-256.
  put @0 (data :Data) -> (hash :Data);
  get @1 (hash :Data) -> (data :Data);
  has @2 (hash :Data) -> (exists :Bool);
  delete @3 (hash :Data) -> ();
}

interface Namespace @0xdeebc1bcb45451b4 {
  # Names bound to hashes.
  resolve @0 (name :Text) -> (hash :Data);
  bind @1 (name :Text, hash :Data) -> ();
  list @2 () -> (names :List(Text));
  sub @3 (prefix :Text) -> (ns :Namespace);
}

struct CapException {
  # What a failed call returns instead of its results.
  type @0 :ExceptionType;
  message @1 :Text;
}

struct CapGrant {
  # A capability for a new process: name is its CapSet entry.
  name @0 :Text;
  capId @1 :UInt32;
  interfaceId @2 :UInt64;
  mode @3 :CapGrantMode;
  badge @4 :UInt64;
  source @5 :CapGrantSource;
}

struct CapGrantSource {
  # Where a grant comes from: a capability of the spawner, or a kernel source.
  union {
    capability @0 :Void;
    kernel @1 :KernelCapSource;
  }
}

struct CapabilityInfo {
  # One live capability.
  id @0 :UInt32;
  interfaceId @1 :UInt64;
  label @2 :Text;
}

struct LineRequest {
  # What readLine shows and accepts.
  prompt @0 :Text;
  maxBytes @1 :UInt32;
  echo @2 :LineEcho;
  allowEmpty @3 :Bool;
}

struct StdIOReadRequest {
  # What read shows and accepts.
  prompt @0 :Text;
  mode @1 :StdIOReadMode;
  maxBytes @2 :UInt32;
  allowEmpty @3 :Bool;
}

struct LogRecord {
  # One entry of the log.
  tick @0 :UInt64;
  level @1 :LogLevel;
  component @2 :Text;
  pid @3 :UInt32;
  message @4 :Text;
}

struct LogFilter {
  # Which records to return.
  minLevel @0 :LogLevel;
  componentPrefix @1 :Text;
}

struct DirEntry {
  # One entry of a directory.
  name @0 :Text;
  size @1 :UInt64;
  isDir @2 :Bool;
}

enum ExceptionType {
  failed @0;
  overloaded @1;
  disconnected @2;
  unimplemented @3;
  invalidArgument @4;
}

enum CapGrantMode {
  raw @0;
  clientEndpoint @1;
  move @2;
  serviceObject @3;
}

enum EntropyStatus {
  ok @0;
  unavailable @1;
}

enum LineEcho {
  visible @0;
  hidden @1;
}

enum LineStatus {
  submitted @0;
  cancelled @1;
  closed @2;
}

enum StdIOStream {
  stdout @0;
  stderr @1;
  status @2;
}

enum StdIOReadMode {
  line @0;
  block @1;
  hidden @2;
}

enum LogLevel {
  debug @0;
  info @1;
  warn @2;
  error @3;
}

enum ClockProvenance {
  untrusted @0;
  ntpSynced @1;
  ptpSynced @2;
  measuredBootMonotonic @3;
  manualSet @4;
}

enum KernelCapSource {
  console @0;
  endpoint @1;
  frameAllocator @2;
  virtualMemory @3;
  processSpawner @4;
  bootPackage @5;
  terminalSession @6;
  entropySource @7;
  credentialStore @8;
  sessionManager @9;
  authorityBroker @10;
  auditLog @11;
  systemInfo @12;
  null @13;
  parkBench @14;
  timer @15;
  threadControl @16;
  threadSpawner @17;
  parkSpace @18;
  networkManager @19;
  sshDevelopmentHostKey @20;
  tcpListenAuthority @21;
  authorizedKeyStore @22;
  restrictedShellLauncher @23;
  chatEndpoint @24;
  deviceMmio @25;
  interrupt @26;
  schedulingPolicy @27;
  dmaPool @28;
  hardwareAuditLog @29;
  schedulingContext @30;
  cpuIsolationLease @31;
  file @32;
  directory @33;
  store @34;
  namespace @35;
  wallClock @36;
  manual @37;
  logSink @38;
  logReader @39;
  blockDevice @40;
  readOnlyFsRoot @41;
  persistentStore @42;
  writableFsRoot @43;
  blockDeviceTarget @44;
  installableImageSource @45;
  cpuIsolationPoolGrant @46;
  cpuIsolationPoolGrantSecondary @47;
  cpuIsolationGrantMinter @48;
  nic @49;
}
