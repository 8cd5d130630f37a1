/// The arrays that readers ask for, by their dimensions.
enum ArrayKind {
  case labels
  /// Of two dimensions, with their names.
  case matrix(String)
  case images

  var dimensionCount: Int {
    switch self {
    case .labels: 1
    case .matrix: 2
    case .images: 4
    }
  }

  fileprivate var dimensions: String {
    switch self {
    case .labels: "[sample]"
    case .matrix(let dimensions): dimensions
    case .images: "[image, channel, row, column]"
    }
  }

  fileprivate var leastContent: String {
    switch self {
    case .labels: "label"
    case .matrix: "row and one column"
    case .images: "image, channel, row and column"
    }
  }

  /// How NumPy makes such an array of one with another number of dimensions.
  fileprivate func reshaping(dimensionCount: Int) -> String {
    switch (self, dimensionCount) {
    case (.labels, 2): "of one column array[:, 0], of a column for each class array.argmax(axis=1)"
    case (.labels, _): "e.g. array.ravel()"
    case (.matrix, 1): "as a column save array[:, None], as a row array[None, :]"
    case (.matrix, 4): "e.g. array.reshape(len(array), -1); for convolutions give images as a set (--images)"
    case (.matrix, 3...): "e.g. array.reshape(len(array), -1)"
    case (.matrix, _): "e.g. numpy.atleast_2d(array)"
    case (.images, 3): "of grey images array[:, None]"
    case (.images, 2): "of features array[:, :, None, None], of images array.reshape(-1, channels, rows, columns)"
    case (.images, _): "e.g. array.reshape(-1, channels, rows, columns)"
    }
  }
}

extension ArrayHeader {
  /// How the elements are stored.
  ///
  /// - Throws: ``FileError`` if their type is unknown or not allowed.
  func format(
    wanted: String, remedy: String, name: String, _ isAllowed: (ScalarFormat) -> Bool
  ) throws(FileError) -> ScalarFormat {
    guard let format = elementType.flatMap(ScalarFormat.init(numpy:)), isAllowed(format) else {
      throw typeError(elementType, wanted: wanted, remedy: remedy, name: name)
    }
    return format
  }

  /// Checks that the array has the dimensions asked for, is not empty and is all that follows the header in a file of
  /// `byteCount` bytes, if that is given.
  ///
  /// - Throws: ``FileError`` that says what it has instead.
  func checkSize(of kind: ArrayKind, _ format: ScalarFormat, byteCount: Int?, name: String) throws(FileError) {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    guard shape.count == kind.dimensionCount else {
      throw error(
        "has an array of \(shape.count) dimension\(shape.count == 1 ? "" : "s"), shape \(shape); reshape it to "
          + "\(kind.dimensions): \(kind.reshaping(dimensionCount: shape.count))")
    }
    guard let count = elementCount(ofShape: shape), count <= Int.max / format.byteCount else {
      throw error("claims an array of shape \(shape), which no file can hold; it is damaged, write it anew")
    }
    guard count > 0 else {
      throw error("has an empty array of shape \(shape); give at least one \(kind.leastContent)")
    }
    guard let byteCount else { return }
    let (wanted, found) = (count * format.byteCount, byteCount - dataStart)
    guard found >= wanted else {
      throw error("is truncated: shape \(shape) needs \(wanted) bytes, and there are \(found); write or copy it anew")
    }
    guard found == wanted else {
      throw error("has \(found - wanted) bytes after its array of shape \(shape); write it anew with numpy.save")
    }
  }
}

/// Why elements of a type are refused, and what to call in NumPy.
private func typeError(_ type: String?, wanted: String, remedy: String, name: String) -> FileError {
  let conversion = "save \(remedy)"
  guard let type else {
    return FileError(path: name, message: "holds records, not \(wanted); \(conversion) of one field")
  }
  let reason =
    switch type.first {
    case ">": "holds big-endian elements (\(type)); \(conversion)"
    case _ where type.hasSuffix("O"):
      "holds Python objects; reading them could run any program, so it is never done; \(conversion)"
    case _ where type.dropFirst().first == "c":
      "holds complex numbers (\(type)), not \(wanted); save real and imaginary parts as columns, "
        + "numpy.hstack([array.real, array.imag])"
    case _ where type.dropFirst().first == "f" && ScalarFormat(numpy: type) == nil:
      "holds numbers of another precision (\(type)) than 16, 32 or 64 bits; \(conversion)"
    case _ where ["U", "S"].contains(type.dropFirst().first):
      "holds text (type \(type)), not \(wanted); of texts that are numbers \(conversion), of categories a column of 0 and 1 for each"
    default: "holds elements of type \(type), not \(wanted); \(conversion)"
    }
  return FileError(path: name, message: reason)
}
