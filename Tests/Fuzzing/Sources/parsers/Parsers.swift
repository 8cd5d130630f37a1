import Foundation
import Understudy

/// Everything that Understudy reads from files, one input at a time, as libFuzzer's target: `FUZZ_PARSER` says which.
///
/// Whatever the bytes, they are taken or refused with an error: a trap, a leak or an endless loop is what libFuzzer reports.
@_cdecl("LLVMFuzzerTestOneInput")
public func readInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let data = Data(UnsafeBufferPointer(start: start, count: count))
  // Errors are answers.
  do { try parser(data) } catch {}
  return 0
}

private let parser: @Sendable (Data) throws -> Void = {
  switch ProcessInfo.processInfo.environment["FUZZ_PARSER"] {
  case "networks": readNetwork
  case "arrays": readArrays
  case "studies": readStudy
  case "numbers": measure
  case "images": readImages
  case "exchanged": readExchanged
  default: fatalError("set FUZZ_PARSER to networks, arrays, studies, numbers, images or exchanged")
  }
}()

@Sendable private func readNetwork(_ data: Data) throws {
  let network = try NetworkFile.decode(data, name: "input", activation: .relu)
  // What was read can be written and read again.
  _ = try NetworkFile.decode(NetworkFile.encode(network), name: "input", activation: .relu)
}

@Sendable private func readArrays(_ data: Data) throws {
  _ = try? ArrayFile.decodeBatches(data, name: "input", sampleCount: 30)
  let matrix = try ArrayFile.decodeMatrix(data, name: "input")
  guard try ArrayFile.decodeMatrix(ArrayFile.encode(matrix), name: "input") == matrix else {
    fatalError("another matrix")
  }
}

/// The bytes are the images of a set whose other files are right, of the layout that their beginning asks for; and labels.
@Sendable private func readImages(_ data: Data) throws {
  _ = try? ArrayFile.decodeLabels(data, name: "input")
  let isArray = data.starts(with: [0x93])
  let place = folder.appending(path: isArray ? "arrays" : "idx")
  try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
  let header = Data("{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }".utf8)
  let names =
    isArray
    ? ["train-images.npy", "train-labels.npy", "test-images.npy", "test-labels.npy"]
    : ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
  let labels =
    isArray
    ? Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.count), 0]) + header + Data([0, 1, 2, 1])
    : Data([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 1])
  for (name, content) in zip(names, [data, labels, data, labels]) {
    try content.write(to: place.appending(path: name))
  }
  _ = try ImageSummary(of: try ImageSource.find(place.path))
}

/// An ONNX model, or a state dict of any names with what its shapes leave open.
@Sendable private func readExchanged(_ data: Data) throws {
  let isDict = data.dropFirst(8).first == UInt8(ascii: "{")
  let place = folder.appending(path: isDict ? "exchanged.safetensors" : "exchanged.onnx")
  try data.write(to: place)
  _ = try? ExchangedNetwork.read(path: place.path)
  let image = MapSize(channels: 1, rows: 6, columns: 6)
  _ = try? ExchangedNetwork.read(path: place.path, describedBy: NetworkDescription(image: image))
}

@Sendable private func readStudy(_ data: Data) throws {
  guard let text = String(data: data, encoding: .utf8) else { return }
  let nowhere = URL(filePath: "/nonexistent")
  let study = try Study.parse(text, origin: "input", folder: nowhere, baseName: "input")
  // A results folder keeps a study as YAML that says the same.
  guard try Study.parse(study.yaml(), origin: "again", folder: nowhere, baseName: "input") == study else {
    fatalError("another study")
  }
}

/// The bytes are the numbers of a small student, its teacher and inputs, as targets.py has them, too: whatever their size, an audit
/// and a connection end.
@Sendable private func measure(_ data: Data) throws {
  let (inputCount, nodeCount, outputCount) = (2, 3, 2)
  var numbers = data.withUnsafeBytes { bytes in
    (0..<(bytes.count / 8)).map { Double(bitPattern: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
  }[...]
  func take(_ count: Int) -> [Double] {
    defer { numbers = numbers.dropFirst(count) }
    return (Array(numbers.prefix(count)) + Array(repeating: 1, count: max(0, count - numbers.count)))
      .map { $0.isFinite ? $0 : 1 }
  }
  func network(_ nodes: Int) throws -> Network {
    try Network(
      layers: [
        NetworkLayer(
          weights: Matrix(rowCount: nodes, columnCount: inputCount, values: take(nodes * inputCount)),
          biases: take(nodes)),
        NetworkLayer(
          weights: Matrix(rowCount: outputCount, columnCount: nodes, values: take(nodes * outputCount)),
          biases: take(outputCount)),
      ], activation: .relu)
  }
  let (student, teacher) = (try network(nodeCount), try network(2))
  let sampleCount = 8
  var values = (0..<sampleCount * inputCount).map { Double(($0 * 7) % 11) - 5 }
  for (index, number) in take(min(numbers.count, values.count)).enumerated() { values[index] = number }
  let inputs = ArrayFile.encode(Matrix(rowCount: sampleCount, columnCount: inputCount, values: values))
  let paths = ["student", "teacher", "inputs"].map { folder.appending(path: $0).path }
  for (path, content) in zip(paths, [NetworkFile.encode(student), NetworkFile.encode(teacher), inputs]) {
    try content.write(to: URL(filePath: path))
  }
  _ = try? StudentAudits().audit(teacherPath: paths[1], studentPath: paths[0], inputsPath: paths[2], activation: .relu)
  for region in [InputRegion.ball(radius: 3), .box(lowest: -1, highest: 2)] {
    _ = try? RegionAudits(.region(region)).audit(teacherPath: paths[1], studentPath: paths[0], activation: .relu)
  }
  _ = try? ConnectionAnalysis(
    studentA: paths[0], studentB: paths[0], teacher: paths[1], inputs: paths[2], activation: .relu, pointCount: 5)
}

private let folder: URL = {
  let folder = FileManager.default.temporaryDirectory.appending(path: "understudy-fuzz-\(getpid())")
  try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder
}()
