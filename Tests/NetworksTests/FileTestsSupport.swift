import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

/// Three inputs, two hidden nodes, one output; weights that single precision holds exactly.
func smallNetwork(biases: Bool) throws -> Network {
  try Network(
    layers: [
      NetworkLayer(weights: Matrix([[1, -0.5, 0.25], [2, 0, -3]]), biases: biases ? [0.5, -1] : nil),
      NetworkLayer(weights: Matrix([[1.5, -2]]), biases: biases ? [4] : nil),
    ], activation: .relu)
}

/// A safetensors file from its two parts.
func safetensors(header: String, data: Data) -> Data {
  var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
  bytes.append(Data(header.utf8))
  bytes.append(data)
  return bytes
}

/// A safetensors file of F64 tensors of these shapes, filled with ones.
func safetensors(_ shapes: [(String, [Int])], metadata: [String: String] = [:]) -> Data {
  var file = SafetensorsFile(tensors: [:], metadata: metadata)
  for (name, shape) in shapes {
    file.tensors[name] = .init(shape: shape, values: [Double](repeating: 1, count: shape.reduce(1, *)))
  }
  return file.encoded(precision: .float64)
}

/// The numbers' bytes, lowest first.
func littleEndian(_ numbers: [some FixedWidthInteger]) -> Data {
  var bytes = Data()
  for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
  return bytes
}

func littleEndian(_ numbers: [Double]) -> Data { littleEndian(numbers.map(\.bitPattern)) }

/// An `.npy` file of some version; `header` without padding.
func npy(_ header: String, _ data: Data, version: UInt8 = 1) -> Data {
  var bytes = Data([0x93]) + Data("NUMPY".utf8) + Data([version, 0])
  bytes.append(version == 1 ? littleEndian([UInt16(header.utf8.count)]) : littleEndian([UInt32(header.utf8.count)]))
  bytes.append(Data(header.utf8))
  bytes.append(data)
  return bytes
}

func npy(
  descr: String, shape: String, _ data: Data, isColumnMajor: Bool = false, version: UInt8 = 1
) -> Data {
  npy(
    "{'descr': '\(descr)', 'fortran_order': \(isColumnMajor ? "True" : "False"), 'shape': \(shape), }\n", data,
    version: version)
}

/// Expects a ``FileError`` that names the file and contains all of `parts`.
func expectFileError<T>(
  _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, from body: () throws -> T
) {
  do {
    let value = try body()
    Issue.record("no error, but \(value)", sourceLocation: sourceLocation)
  } catch let error as FileError {
    for part in [error.path] + parts {
      #expect(error.description.contains(part), "\(error)", sourceLocation: sourceLocation)
    }
    #expect(error.path == "given.file" || error.path.hasPrefix("/"), sourceLocation: sourceLocation)
  } catch {
    Issue.record("not a FileError: \(error)", sourceLocation: sourceLocation)
  }
}

/// Runs with a new folder that is removed afterwards.
func withTemporaryFolder(_ body: (URL) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("understudy-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder)
}
