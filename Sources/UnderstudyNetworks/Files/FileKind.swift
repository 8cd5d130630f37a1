/// What a file is, told by its content: so that a file of another kind than asked for is named, with the way to convert it.
enum FileKind: Equatable {
  case safetensors, npy, npz
  /// What `torch.save` writes: a zip archive since version 1.6, a pickle before.
  case torch
  case pickle, zip, hdf5, matlab, sqlite, onnx
  case pointer
  case webPage, json, yaml, table, text
  case compressed(program: String)
  case empty

  /// Nil if the bytes are of none of these kinds.
  ///
  /// - Complexity: O(1): only the beginning is looked at.
  init?(_ bytes: [UInt8]) {
    guard let kind = bytes.isEmpty ? .empty : Self.binary(bytes) ?? Self.text(bytes) else { return nil }
    self = kind
  }

  /// By the bytes with which a format begins. A safetensors file has none: it begins with the length of a JSON object.
  private static func binary(_ bytes: [UInt8]) -> FileKind? {
    func begins(_ text: StaticString) -> Bool { bytes.starts(with: Array("\(text)".utf8)) }
    func begins(_ start: [UInt8]) -> Bool { bytes.starts(with: start) }
    if bytes.count > 8, bytes[8] == UInt8(ascii: "{"),
      bytes.integer(at: 0, as: UInt64.self) <= SafetensorsHeader.maximumByteCount
    {
      return .safetensors
    }
    if begins(ArrayHeader.magic) { return .npy }
    if begins("PK\u{03}\u{04}") { return archive(bytes) }
    if begins([0x89] + Array("HDF\r\n".utf8)) || begins("MATLAB 7.3 MAT-file") { return .hdf5 }
    if begins("MATLAB 5.0 MAT-file") { return .matlab }
    if begins("SQLite format 3\0") { return .sqlite }
    if begins([0x1F, 0x8B]) { return .compressed(program: "gunzip") }
    if begins([0xFD] + Array("7zXZ\0".utf8)) { return .compressed(program: "unxz") }
    if begins([0x28, 0xB5, 0x2F, 0xFD]) { return .compressed(program: "unzstd") }
    if begins("BZh") { return .compressed(program: "bunzip2") }
    // A pickle begins with its protocol; PyTorch's old files with the pickle of one number, 0x1950a86a20f9469cfc6c.
    if begins([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20]) { return .torch }
    if bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) { return .pickle }
    // An ONNX model begins with its version (field 1) and the name of the program that wrote it (field 2).
    if bytes.count > 4, bytes[0] == 0x08, (3...20).contains(bytes[1]), bytes[2] == 0x12, bytes[3] < 0x40 {
      return .onnx
    }
    return nil
  }

  /// A zip archive by the name of its first member: 30 bytes on, of the length that is at 26.
  private static func archive(_ bytes: [UInt8]) -> FileKind {
    guard bytes.count >= 30 else { return .zip }
    let length = Int(bytes.integer(at: 26, as: UInt16.self))
    let name = String(decoding: bytes.dropFirst(30).prefix(length), as: UTF8.self)
    if name.hasSuffix(".npy") { return .npz }
    return name.hasSuffix("/data.pkl") ? .torch : .zip
  }

  /// By the first lines, if these are text.
  private static func text(_ bytes: [UInt8]) -> FileKind? {
    var start = bytes.prefix(4096)
    if start.starts(with: [0xEF, 0xBB, 0xBF]) { start = start.dropFirst(3) }
    guard start.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) }) else { return nil }
    let text = String(decoding: start, as: UTF8.self)
    // The last character may be cut in two.
    guard !text.dropLast().unicodeScalars.contains("\u{FFFD}") else { return nil }
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix(while: \.isWhitespace) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    guard let first = lines.first else { return .text }
    if first.hasPrefix("version https://git-lfs") { return .pointer }
    switch first.first {
    case "<": return .webPage
    case "{", "[": return .json
    default: break
    }
    // A table may have a line of names first.
    if lines.prefix(2).contains(where: isRowOfNumbers) { return .table }
    return lines.contains(where: isYAMLKey) ? .yaml : .text
  }

  private static func isRowOfNumbers(_ line: Substring) -> Bool {
    let cells = line.split { $0 == "," || $0 == ";" || $0.isWhitespace }
    return !cells.isEmpty && cells.allSatisfy { Double($0) != nil }
  }

  private static func isYAMLKey(_ line: Substring) -> Bool {
    guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return false }
    let rest = line[line.index(after: colon)...]
    return line[..<colon].allSatisfy { $0.isLetter || $0.isNumber || "._-\"'".contains($0) }
      && (rest.isEmpty || rest.hasPrefix(" "))
  }
}

extension FileKind {
  /// What a reader asks for.
  enum Wanted {
    case network, array

    var kind: FileKind { self == .network ? .safetensors : .npy }
    fileprivate var words: String { self == .network ? "a safetensors file" : "an .npy file" }
    /// How to write one of what Python holds.
    fileprivate var saving: String {
      self == .network
        ? "safetensors.numpy.save_file({\"layers.0.weight\": w, ...}, \"network.safetensors\")"
        : "numpy.save(\"array.npy\", array)"
    }
  }

  /// Refuses a file that is of a known kind, and not of the one asked for. What is of no known kind passes: it may be a
  /// damaged file of the right kind, and its reader says where.
  ///
  /// - Parameter form: what was asked for, in words, if it is none of those two: an ONNX model, instead of which a network would do.
  /// - Throws: ``FileError`` that says what the file is and how to make of it what is asked for.
  static func check(_ bytes: [UInt8], is wanted: Wanted, or form: String? = nil, name: String) throws(FileError) {
    guard let kind = FileKind(bytes), kind != wanted.kind else { return }
    throw FileError(path: name, message: kind.message(wanted, form: form ?? wanted.words))
  }

  private func message(_ wanted: Wanted, form: String) -> String {
    let (isNetwork, saving) = (wanted == .network, wanted.saving)
    func converted(_ what: String, _ remedy: String) -> String { "is \(what), not \(form); in Python: \(remedy)" }
    switch self {
    case .safetensors:
      return converted(
        "a safetensors file",
        "numpy.save(\"array.npy\", safetensors.numpy.load_file(...)[\"NAME\"]), or give a network where one is asked for"
      )
    case .npy: return converted("a NumPy array (.npy)", saving + ", or give an array where one is asked for")
    case .npz:
      return converted(
        "a NumPy archive of arrays (.npz)",
        isNetwork
          ? "safetensors.numpy.save_file(dict(numpy.load(...)), \"network.safetensors\")"
          : "numpy.save(\"array.npy\", numpy.load(...)[\"NAME\"])")
    case .torch:
      return converted(
        "a file of torch.save",
        isNetwork
          ? "safetensors.torch.save_file(model.state_dict(), \"network.safetensors\")"
          : "numpy.save(\"array.npy\", tensor.numpy())")
    case .pickle:
      return converted(
        "a Python pickle, which could run any program when it is read", "load it where you trust it, and \(saving)")
    case .hdf5:
      return converted(
        "an HDF5 file (.h5)",
        isNetwork
          ? "load its arrays with h5py (Keras stores kernels as [inputs, nodes]: w.T) and \(saving)"
          : "numpy.save(\"array.npy\", h5py.File(...)[\"NAME\"][:])")
    case .matlab:
      return converted("a MATLAB file (.mat)", "scipy.io.loadmat(...)[\"NAME\"] gives an array; then \(saving)")
    case .onnx:
      guard !isNetwork else {
        return "is an ONNX model, not \(form); understudy convert MODEL.onnx network.safetensors makes one of it"
      }
      return converted(
        "an ONNX model", "onnx.numpy_helper.to_array(...) of its graph's initializers gives arrays; then \(saving)")
    case .zip: return "is a zip archive, not \(form); unpack it, and give \(form) that is in it"
    case .compressed(let program): return "is compressed, not \(form); unpack it first, with \(program)"
    case .sqlite:
      return "is an SQLite database, not \(form); of a results folder give the folder, or a file of weights/"
    case .pointer:
      return "is a pointer of Git LFS, not the file itself; run git lfs pull where the repository was cloned"
    case .webPage:
      return "is a web page (HTML) or XML, not \(form); the link led to a page about the file: download the file itself"
    case .json: return converted("a JSON text", "numpy.array(json.load(...)) gives an array; then \(saving)")
    case .yaml: return "is a YAML text, such as a study, not \(form); give \(form)"
    case .table:
      return converted(
        "a table in text, such as CSV",
        isNetwork
          ? "numpy.loadtxt(...) gives an array; then \(saving)"
          : "numpy.save(\"array.npy\", numpy.loadtxt(..., delimiter=\",\", ndmin=2))")
    case .text: return "is a text, not \(form); \(isNetwork ? "a network" : "an array") is written by \(saving)"
    case .empty: return "is empty: it has no bytes; write, copy or download it anew"
    }
  }
}
