import Foundation
import UnderstudyNumerics

extension ArrayFile {
  /// Reads labels; see ``decodeLabels(_:name:sampleCount:)``.
  ///
  /// - Shape: the result is `[sample]`.
  /// - Throws: ``FileError`` if the file cannot be read or holds no labels.
  public static func readLabels(path: String, sampleCount: Int? = nil) throws(FileError) -> [UInt8] {
    try decodeLabels(try content(ofFileAt: path), name: path, sampleCount: sampleCount)
  }

  /// Decodes labels, the numbers of classes from 0 to 255: integers of 1 to 8 bytes.
  ///
  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - sampleCount: how many there must be; nil if any number will do.
  /// - Shape: the result is `[sample]`.
  /// - Throws: ``FileError`` as ``decodeMatrix(_:name:)`` does, and if a label is not in `0...255`, or there are more or fewer
  ///   than samples.
  /// - Complexity: O(bytes).
  public static func decodeLabels(_ data: Data, name: String, sampleCount: Int? = nil) throws(FileError) -> [UInt8] {
    let bytes = [UInt8](data)
    let header = try ArrayHeader(bytes, name: name)
    let format = try header.format(wanted: "labels", remedy: "array.astype('<i8')", name: name, \.isInteger)
    try header.checkSize(of: .labels, format, byteCount: bytes.count, name: name)
    let count = header.shape[0]
    if let sampleCount, count != sampleCount {
      throw FileError(
        path: name, message: "has \(count) labels, but there are \(sampleCount) samples; give a label for each sample")
    }
    let numbers = format.integers(in: bytes, at: header.dataStart, count: count)
    if let index = numbers.firstIndex(where: { !(0...255).contains($0) }) {
      throw FileError(
        path: name,
        message: "has the label \(numbers[index]) of sample \(index); number the classes from 0 to at most 255, as by "
          + "numpy.unique(array, return_inverse=True)[1]")
    }
    return numbers.map { UInt8($0) }
  }

  /// The size of the images of a file, by its beginning.
  ///
  /// - Throws: ``FileError`` if the file cannot be read, or its header is not that of images.
  static func readImageSize(_ path: String) throws(FileError) -> MapSize {
    // Headers of four dimensions have 128 bytes.
    try imageHeader(try bytes(ofFileAt: path, limit: 1 << 16), byteCount: nil, name: path).size
  }

  /// Decodes images: `uint8`, or real numbers of `<f8`, `<f4` or `<f2`, in C order.
  ///
  /// - Parameter name: what errors call the file.
  /// - Throws: ``FileError`` as ``decodeMatrix(_:name:)`` does, and if the last dimension seems to be that of channels.
  /// - Complexity: O(bytes). Bytes are kept as they are; of real numbers there are two copies for a while.
  static func decodeImages(_ bytes: consuming [UInt8], name: String) throws(FileError) -> StoredPixels {
    let header = try imageHeader(bytes, byteCount: bytes.count, name: name)
    let (size, count) = (header.size, header.count)
    if case .unsigned = header.format {
      return StoredPixels(.bytes(bytes), size: size, count: count, start: header.dataStart)
    }
    let values = header.format.singlePrecisionValues(in: bytes, at: header.dataStart, count: count * size.count)
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      let shape = [count, size.channels, size.rows, size.columns]
      throw FileError(
        path: name,
        message: "holds \(values[index]) at \(placeDescription(ofElement: index, shape: shape)) of "
          + "[image, channel, row, column]; every number must be finite in single precision")
    }
    return StoredPixels(.numbers(values), size: size, count: count)
  }

  /// What the header of an array of images says.
  ///
  /// - Parameters:
  ///   - bytes: the beginning of the file, at least.
  ///   - byteCount: the size of the file; nil if it is not to be compared with the shape.
  /// - Throws: ``FileError`` if these are no images.
  static func imageHeader(
    _ bytes: [UInt8], byteCount: Int?, name: String
  ) throws(FileError) -> (size: MapSize, count: Int, format: ScalarFormat, dataStart: Int) {
    let header = try ArrayHeader(bytes, name: name)
    let format = try header.format(
      wanted: "pixels", remedy: "array.astype('uint8') of 0 to 255, or array.astype('<f4')", name: name
    ) {
      [.float64, .float32, .float16, .unsigned(byteCount: 1)].contains($0)
    }
    try header.checkSize(of: .images, format, byteCount: byteCount, name: name)
    guard !header.isColumnMajor else {
      throw FileError(path: name, message: "is in Fortran order; save numpy.ascontiguousarray(array)")
    }
    let shape = header.shape
    let size = MapSize(channels: shape[1], rows: shape[2], columns: shape[3])
    // 32 channels of 32 x 3 pixels would be a strange image; 3 channels of 3 x 1 pixels are one.
    guard !([1, 3, 4].contains(size.columns) && size.channels == size.rows && size.rows > 4) else {
      throw FileError(
        path: name,
        message: "has the shape \(shape), in which the channels seem to come last; save array.transpose(0, 3, 1, 2), "
          + "[image, channel, row, column]")
    }
    return (size, shape[0], format, header.dataStart)
  }
}
