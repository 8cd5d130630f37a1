import Foundation
import GRDB
import UnderstudySchema

// A store may have been damaged, or made by somebody else: what is read from it is checked as what a user gives.

/// What no store has that was written as it should; ``ResultsStore`` reports it as damage of its database.
struct StoredValueError: Error {
  var reason: String

  init(_ reason: String) { self.reason = reason }
}

extension Row {
  /// The value of a column. (GRDB's subscripts trap where it is not of the type.)
  ///
  /// - Throws: ``StoredValueError`` if it is not there, or does not hold such a value.
  func stored<Value: DatabaseValueConvertible>(_ column: String, as _: Value.Type = Value.self) throws -> Value {
    guard hasColumn(column), let value = Value.fromDatabaseValue(self[column]) else {
      throw StoredValueError("a row without a proper \(column)")
    }
    return value
  }

  /// A length of time in seconds.
  func storedSeconds(_ column: String) throws -> Double {
    let seconds: Double = try stored(column)
    // Longer than the machine will last.
    guard seconds.isFinite, (0...1e12).contains(seconds) else {
      throw StoredValueError("\(column) is \(seconds)")
    }
    return seconds
  }

  /// A number of epochs or steps.
  func storedCount(_ column: String) throws -> Int {
    let count: Int = try stored(column)
    guard (0...1_000_000_000_000_000).contains(count) else {
      throw StoredValueError("\(column) is \(count)")
    }
    return count
  }
}

extension MeasuredValue {
  /// A measurement as it was stored.
  ///
  /// - Throws: ``StoredValueError`` if the numbers do not fill the shape, or are none that was recorded.
  init(stored measure: Measure, epoch: Int, shape: [Int], values: [Double]) throws {
    func damaged(_ what: String) -> StoredValueError {
      StoredValueError("\(measure.rawValue) at epoch \(epoch): \(what)")
    }
    var count = 1
    for size in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflows else { throw damaged("a shape of \(shape)") }
      count = product
    }
    guard count == values.count else { throw damaged("\(values.count) values for a shape of \(shape)") }
    guard (0...1_000_000_000).contains(epoch) else { throw damaged("no such epoch") }
    guard values.allSatisfy(\.isFinite) else { throw damaged("a number that is not finite") }
    if let known = measure.fixedShape, known != shape { throw damaged("a shape of \(shape), and it has \(known)") }
    self.init(measure, epoch: epoch, shape: shape, values: values)
  }
}

extension MeasuredValue {
  /// What a row of the table `array`, or of `checkpoint_measurement`, has.
  ///
  /// - Throws: ``StoredValueError``, as ``init(stored:epoch:shape:values:)``.
  init(arrayRow row: Row) throws {
    let shapeText: String = try row.stored("shape")
    guard try row.stored("data_type") == ArrayBlob.dataType, let values = ArrayBlob.decode(try row.stored("values")),
      let shape = try? JSONDecoder().decode([Int].self, from: Data(shapeText.utf8))
    else {
      throw StoredValueError("an array whose bytes do not fit its shape \(shapeText)")
    }
    try self.init(
      stored: try Measure(stored: try row.stored("measure")), epoch: try row.stored("epoch"), shape: shape,
      values: values)
  }

  /// The values of such a row, in the order of the table's columns.
  func arrayRow(of run: String) -> StatementArguments {
    let shape = "[\(shape.map(String.init).joined(separator: ", "))]"
    return [run, measure.rawValue, epoch, shape, ArrayBlob.dataType, ArrayBlob.encode(values)]
  }
}

extension Measure {
  /// - Throws: ``StoredValueError`` of a name that no measure has or had.
  init(stored name: String) throws {
    guard let measure = Measure(named: name) else { throw StoredValueError("unknown measure \(name)") }
    self = measure
  }

  /// The shape that the measure has in every run; nil where it depends on the run.
  var fixedShape: [Int]? { self == .criticalPoint ? [CriticalPointRecord.valueCount] : nil }
}
