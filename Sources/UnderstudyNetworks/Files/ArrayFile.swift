import Foundation
import UnderstudyNumerics

/// Arrays as NumPy's `.npy` files: inputs `[sample, feature]`, batches `[step, batch]`, labels `[sample]` and images
/// `[image, channel, row, column]`. Docs/Formats.md is the contract.
public enum ArrayFile {
  /// Reads a matrix; see ``decodeMatrix(_:name:)``.
  ///
  /// - Shape: the result is `[sample, feature]`.
  /// - Throws: ``FileError`` if the file cannot be read or is no such array.
  public static func readMatrix(path: String) throws(FileError) -> Matrix {
    try decodeMatrix(try content(ofFileAt: path), name: path)
  }

  /// Decodes a matrix of real numbers, in C or Fortran order: `<f8`, `<f4`, `<f2`, integers of 1 to 8 bytes, booleans.
  ///
  /// - Parameter name: what errors call the file.
  /// - Throws: ``FileError`` if the bytes are no `.npy` file (it says what they are, if it can), it is truncated or longer
  ///   than its array, elements are of another type, the array is not of two dimensions or empty, or a number is not
  ///   finite.
  /// - Complexity: O(bytes).
  ///
  /// - Shape: the result is `[sample, feature]`.
  public static func decodeMatrix(_ data: Data, name: String) throws(FileError) -> Matrix {
    let bytes = [UInt8](data)
    let header = try ArrayHeader(bytes, name: name)
    let format = try header.format(wanted: "real numbers", remedy: "array.astype('<f8')", name: name) { _ in true }
    try header.checkSize(of: .matrix("[sample, feature]"), format, byteCount: bytes.count, name: name)
    let (rows, columns) = (header.shape[0], header.shape[1])
    var values = format.values(in: bytes, at: header.dataStart, count: rows * columns)
    if header.isColumnMajor {
      values = Matrix(rowCount: columns, columnCount: rows, values: values).transposed.values
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw FileError(
        path: name,
        message: "holds \(values[index]) at \(placeDescription(ofElement: index, shape: header.shape)); "
          + "every number must be finite")
    }
    return Matrix(rowCount: rows, columnCount: columns, values: values)
  }

  /// Reads batches; see ``decodeBatches(_:name:sampleCount:)``.
  ///
  /// - Throws: ``FileError`` if the file cannot be read or holds no indices of samples.
  public static func readBatches(path: String, sampleCount: Int) throws(FileError) -> Batches {
    try decodeBatches(try content(ofFileAt: path), name: path, sampleCount: sampleCount)
  }

  /// Decodes batches of sample numbers, integers of 1 to 8 bytes, in C or Fortran order.
  ///
  /// - Parameter name: what errors call the file.
  /// - Throws: ``FileError`` as ``decodeMatrix(_:name:)`` does, and if a number is not in `0 ..< sampleCount`.
  /// - Complexity: O(bytes).
  public static func decodeBatches(_ data: Data, name: String, sampleCount: Int) throws(FileError) -> Batches {
    let bytes = [UInt8](data)
    let header = try ArrayHeader(bytes, name: name)
    let format = try header.format(wanted: "sample numbers", remedy: "array.astype('<i8')", name: name, \.isInteger)
    try header.checkSize(of: .matrix("[step, batch]"), format, byteCount: bytes.count, name: name)
    let (steps, batch) = (header.shape[0], header.shape[1])
    var numbers = format.integers(in: bytes, at: header.dataStart, count: steps * batch)
    if header.isColumnMajor {
      let stored = numbers
      for i in numbers.indices { numbers[i] = stored[i % batch * steps + i / batch] }
    }
    let valid = 0..<Int64(clamping: min(sampleCount, Int(UInt32.max)))
    if let index = numbers.firstIndex(where: { !valid.contains($0) }) {
      throw FileError(
        path: name,
        message: "step \(index / batch) names sample \(numbers[index]) at place \(index % batch), but there are "
          + "\(sampleCount) samples; numbers go from 0 to \(sampleCount - 1)")
    }
    return Batches(stepCount: steps, batchSize: batch, indices: numbers.map { UInt32($0) })
  }

  /// The bytes of an `.npy` file of version 1.0 that holds a matrix as `<f8` in C order; the same as NumPy's.
  ///
  /// - Complexity: O(numbers).
  ///
  /// - Shape: `[row, column]`.
  public static func encode(_ matrix: Matrix) -> Data {
    encode("<f8", rowCount: matrix.rowCount, columnCount: matrix.columnCount, matrix.values.lazy.map(\.bitPattern))
  }

  /// The bytes of an `.npy` file of version 1.0 that holds batches as `<i8` in C order; the same as NumPy's.
  ///
  /// - Complexity: O(numbers).
  ///
  /// - Shape: `[step, batch]`.
  public static func encode(_ batches: Batches) -> Data {
    encode(
      "<i8", rowCount: batches.stepCount, columnCount: batches.batchSize, batches.indices.lazy.map { UInt64($0) })
  }

  /// - Parameter elements: of 8 bytes, row after row.
  private static func encode(
    _ type: String, rowCount: Int, columnCount: Int, _ elements: some Collection<UInt64>
  ) -> Data {
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(rowCount), \(columnCount)), }"
    // Spaces and a newline, so that the numbers begin at a multiple of 64 bytes.
    let unpadded = 10 + text.utf8.count + 1
    text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
    var result = ArrayHeader.magic + [1, 0]
    result.reserveCapacity(10 + text.utf8.count + 8 * elements.count)
    result.append(littleEndian: UInt16(text.utf8.count))
    result += Array(text.utf8)
    for element in elements { result.append(littleEndian: element) }
    return Data(result)
  }
}
